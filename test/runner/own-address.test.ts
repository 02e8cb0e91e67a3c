import { networkInterfaces } from 'node:os';
import { describe, expect, test } from 'vitest';
import { firstInside, firstShared, ownAddress } from '../../src/runner/own-address.ts';

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

  test('is the one that lies in the network that is given', async () => {
    expect(await ownAddress('127.0.0.0/8')).toMatch(/^127\./);
    expect(firstInside('10.9.8.0/24', ['127.0.0.1', '10.9.9.1', '::1', '10.9.8.7'])).toBe('10.9.8.7');
    expect(firstInside('fd00::/8', ['10.9.8.7', 'fd12::3'])).toBe('fd12::3');
  });

  test('of a network that this machine is not on is an error that says where it is', async () => {
    await expect(ownAddress('203.0.113.0/24')).rejects.toMatchObject({
      code: 'CF_CONFIG_INVALID',
      message: expect.stringMatching(/but 203\.0\.113\.0\/24 is none of .*127\.0\.0\.1/) as string,
    });
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
