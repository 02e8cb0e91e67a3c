import { describe, expect, test } from 'vitest';
import { type ViewerReport, viewerReportSchema } from '../../src/api/index.ts';
import { type ControlChannel, NO_CONTROL } from '../../src/gateway/control-channel.ts';
import { openControlChannel } from '../../src/gateway/control-client.ts';
import { LiveSessions } from '../../src/gateway/live-sessions.ts';
import { Revocations } from '../../src/gateway/revocations.ts';
import { ViewerReports } from '../../src/gateway/viewer-reports.ts';
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

function channelTo(controlUrl: string, gatewayId: string): ControlChannel {
  const nothing = (): void => {};
  const heard = { onEnded: nothing, onRevoked: nothing, onConnected: nothing };
  return openControlChannel({ controlUrl, gatewayId, serviceKey: SERVICE_KEY, ...heard, random: () => 0 });
}

describe('the channel to control', () => {
  test('reports who watches what, in the shape that control reads', async () => {
    await using control = await startTestControl();
    const channel = channelTo(`${control.env['CAMOFLEET_GATEWAY_CONTROL_URL']!}/`, 'gateway 1');
    await expect.poll(() => channel.connected).toBe(true);
    const live = new LiveSessions();
    live.add({ session: 'session-1', claims: CLAIMS, relay: relay(1_700_000_000_000) });
    live.add({ session: '6901', claims: undefined, relay: relay() });
    live.add({ session: 'session-1', claims: CLAIMS, relay: relay() });
    await channel.report({ viewers: live.viewers() });
    channel.stop();
    expect(viewerReportSchema.parse(control.reports[0])).toEqual({
      viewers: [{ session: 'session-1', jti: 'jti-1', viewers: 2, lastActivityAt: '2023-11-14T22:13:20.000Z' }],
    });
  });

  test('waits for an announcement no longer than it is told, and not at all without a stream', async () => {
    await using control = await startTestControl();
    const channel = channelTo(control.env['CAMOFLEET_GATEWAY_CONTROL_URL']!, 'gateway-1');
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

describe('revocations', () => {
  const revoked = (fact: { jti?: string; grant?: string }, at = 2_000): Revocations => {
    const revocations = new Revocations();
    revocations.revoke({ session: 'session-1', ...fact, at: new Date(at * 1_000).toISOString() });
    return revocations;
  };

  test('of a token hold for all that was renewed from it: it keeps its id', () => {
    const revocations = revoked({ jti: 'jti-1' });
    expect(revocations.isRevoked({ ...CLAIMS, iat: 9_000 })).toBe(true);
    expect(revocations.isRevoked({ ...CLAIMS, jti: 'jti-9' })).toBe(false);
  });

  test('of a grant hold for its tokens', () => {
    const revocations = revoked({ grant: 'grant-1' });
    expect(revocations.isRevoked({ ...CLAIMS, jti: 'jti-9', grant: 'grant-1' })).toBe(true);
    expect(revocations.isRevoked(CLAIMS)).toBe(false);
  });

  test('of a session hold for its tokens, but not for those that are made afterwards', () => {
    const revocations = revoked({});
    expect(revocations.isRevoked(CLAIMS)).toBe(true);
    expect(revocations.isRevoked({ ...CLAIMS, iat: 2_001 })).toBe(false);
    expect(revocations.isRevoked({ ...CLAIMS, sid: 'session-2' })).toBe(false);
  });

  test('of a session hold for what is renewed from a token whose socket they end', () => {
    const live = new LiveSessions();
    live.add({ session: 'session-1', claims: CLAIMS, relay: relay() });
    live.rightsRevoked({ session: 'session-1', at: new Date(2_000_000).toISOString() });
    expect(live.revocations.isRevoked({ ...CLAIMS, iat: 3_000 })).toBe(true);
    expect(live.revocations.isRevoked({ ...CLAIMS, iat: 3_000, jti: 'jti-9' })).toBe(false);
  });
});

describe('reports of viewers', () => {
  const viewer = (jti: string, viewers: number): ViewerReport['viewers'][number] => ({
    session: 'session-1',
    jti,
    viewers,
    lastActivityAt: '2023-11-14T22:13:20.000Z',
  });

  test('tell what changes at once, together what changes together, and one at a time', async () => {
    const sent: ViewerReport[] = [];
    const open = new Map<string, ViewerReport['viewers'][number]>();
    let going = 0;
    const reports = new ViewerReports({
      viewers: () => [...open.values()],
      send: async (report) => {
        going += 1;
        expect(going).toBe(1);
        sent.push(report);
        await new Promise((resolve) => setTimeout(resolve, 20));
        going -= 1;
      },
      now: () => 1_700_000_000_000,
    });
    for (const jti of ['jti-1', 'jti-2', 'jti-2']) {
      open.set(jti, viewer(jti, 1));
      reports.changed({ ...CLAIMS, jti });
    }
    await expect.poll(() => sent.length).toBe(1);
    open.delete('jti-1');
    reports.changed(CLAIMS);
    await expect.poll(() => sent.length).toBe(2);
    reports.all();
    await expect.poll(() => sent.length).toBe(3);
    await reports.stop();
    expect(sent).toEqual([
      { changes: true, viewers: [viewer('jti-1', 1), viewer('jti-2', 1)] },
      { changes: true, viewers: [viewer('jti-1', 0)] },
      { viewers: [viewer('jti-2', 1)] },
    ]);
  });
});
