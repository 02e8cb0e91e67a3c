import { networkInterfaces } from 'node:os';
import { describe, expect, test } from 'vitest';
import { firstShared, ownAddress } from '../../src/runner/own-address.ts';

describe('the address that a runner advertises', () => {
  test.each(['127.0.0.1', '::1', '10.0.0.7'])('is %s where it is given as one', async (address) => {
    expect(await ownAddress(address)).toBe(address);
  });

  test('is one of this machine where it is given as a name', async () => {
    const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses!.map(({ address }) => address));
    expect(own).toContain(await ownAddress('localhost'));
  });

  test('of a name that all replicas share is the replica’s own', () => {
    expect(firstShared(['172.18.0.3', '172.18.0.5', '172.18.0.4'], ['127.0.0.1', '172.18.0.5', '172.19.0.2'])).toBe(
      '172.18.0.5',
    );
    expect(firstShared(['172.18.0.3'], ['127.0.0.1'])).toBeUndefined();
  });

  test('of a name that cannot be one is an error of the configuration', async () => {
    await expect(ownAddress(`${'x'.repeat(64)}.example`)).rejects.toMatchObject({
      code: 'CF_CONFIG_INVALID',
      message: expect.stringContaining(
        'CAMOFLEET_RUNNER_ADVERTISE_HOST must be an address or a name that resolves here',
      ) as string,
    });
  });
});
