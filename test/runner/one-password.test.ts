import { test } from 'vitest';
import { expectOnePasswordASession } from './support/one-password.ts';

test('the token of an ended session sees nothing of the test card that has its port now', async () => {
  await expectOnePasswordASession('testcard', '');
});
