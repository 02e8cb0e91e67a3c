import { describe, expect, test } from 'vitest';
import { viewerReportSchema } from '../../src/api/index.ts';
import { NO_CONTROL, openControlChannel } from '../../src/gateway/control-channel.ts';
import { LiveSessions } from '../../src/gateway/live-sessions.ts';
import { TokenFamilies } from '../../src/gateway/token-families.ts';
import type { Relay } from '../../src/gateway/data-path.ts';
import type { TokenClaims } from '../../src/tokens/index.ts';
import { SERVICE_KEY, startTestControl } from './support/control.ts';

const CLAIMS: TokenClaims = {
  aud: 'fleet',
  sid: 'session-1',
  jti: 'jti-1',
  sub: 'operator',
  rights: 'control',
  target: { host: '127.0.0.1', port: 5_900 },
  pw: 'x',
  iat: 1_000,
  exp: 1_300,
};

function relay(lastActivityAt = 0): Relay {
  const never = new Promise<never>(() => {});
  return { ended: never, lastActivityAt, end: () => {} };
}

describe('the channel to control', () => {
  test('reports who watches what, in the shape that control reads', async () => {
    await using control = await startTestControl();
    const channel = openControlChannel({
      controlUrl: `${control.env['CAMOFLEET_GATEWAY_CONTROL_URL']!}/`,
      gatewayId: 'gateway 1',
      serviceKey: SERVICE_KEY,
      onEnded: () => {},
      onRevoked: () => {},
      random: () => 0,
    });
    await expect.poll(() => channel.connected).toBe(true);
    const live = new LiveSessions();
    live.add({ session: 'session-1', claims: CLAIMS, relay: relay(1_700_000_000_000) });
    live.add({ session: '6901', claims: undefined, relay: relay() });
    await channel.report(live.report());
    channel.stop();
    expect(viewerReportSchema.parse(control.reports[0])).toEqual({
      viewers: [{ session: 'session-1', jti: 'jti-1', viewers: 1, lastActivityAt: '2023-11-14T22:13:20.000Z' }],
    });
  });

  test('waits for an announcement no longer than it is told, and not at all without a stream', async () => {
    await using control = await startTestControl();
    const channel = openControlChannel({
      controlUrl: control.env['CAMOFLEET_GATEWAY_CONTROL_URL']!,
      gatewayId: 'gateway-1',
      serviceKey: SERVICE_KEY,
      onEnded: () => {},
      onRevoked: () => {},
      random: () => 0,
    });
    await expect.poll(() => channel.connected).toBe(true);
    const began = performance.now();
    expect(await channel.endOf('session-1', 100)).toBeUndefined();
    expect(performance.now() - began).toBeGreaterThan(95);
    const awaited = channel.endOf('session-1', 5_000);
    control.history.announce('session.ended', { session: 'session-1', reason: 'odd', detail: '', at: '' });
    control.history.announce('session.ended', { session: 'session-1', reason: 'expired', detail: 'd', at: 'now' });
    expect(await awaited).toMatchObject({ reason: 'expired' });
    expect(channel.isEnded('session-1')).toBe(true);
    channel.stop();
    expect(await NO_CONTROL.endOf('session-1', 5_000)).toBeUndefined();
  });
});

describe('families of tokens', () => {
  const revoked = (fact: { jti?: string; grant?: string }, at = 2_000): TokenFamilies => {
    const families = new TokenFamilies();
    families.renewed('jti-1', 'jti-2');
    families.renewed('jti-2', 'jti-3');
    families.revoke({ session: 'session-1', ...fact, at: new Date(at * 1_000).toISOString() });
    return families;
  };

  test('share their root and their revocation', () => {
    const families = revoked({ jti: 'jti-2' });
    expect(['jti-1', 'jti-2', 'jti-3', 'jti-9'].map((jti) => families.rootOf(jti))).toEqual([
      'jti-1',
      'jti-1',
      'jti-1',
      'jti-9',
    ]);
    expect(['jti-1', 'jti-3', 'jti-9'].map((jti) => families.isRevoked({ ...CLAIMS, jti }))).toEqual([
      true,
      true,
      false,
    ]);
  });

  test('of a grant end with it', () => {
    const families = revoked({ grant: 'grant-1' });
    expect(families.isRevoked({ ...CLAIMS, jti: 'jti-9', grant: 'grant-1' })).toBe(true);
    expect(families.isRevoked({ ...CLAIMS, jti: 'jti-1' })).toBe(false);
  });

  test('of a session end with it, but not those that are made afterwards', () => {
    const families = revoked({});
    expect(families.isRevoked(CLAIMS)).toBe(true);
    expect(families.isRevoked({ ...CLAIMS, iat: 2_001 })).toBe(false);
    expect(families.isRevoked({ ...CLAIMS, sid: 'session-2' })).toBe(false);
  });
});
