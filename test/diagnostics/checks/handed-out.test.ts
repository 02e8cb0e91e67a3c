import { describe, expect, test } from 'vitest';
import type { CheckContext } from '../../../src/diagnostics/checks/context.ts';
import { unanswered } from '../../../src/diagnostics/checks/handed-out.ts';
import type { DialFacts } from '../../../src/diagnostics/probe/facts.ts';

const NO_NAME: DialFacts = { stage: 'dns', failure: 'getaddrinfo ENOTFOUND' };
const REFUSED: DialFacts = { stage: 'tcp', failure: 'connect ECONNREFUSED', errorCode: 'ECONNREFUSED' };

interface Scene {
  readonly url?: string;
  readonly api?: string;
  readonly session?: string;
  readonly page?: string;
  /** Hosts at which the same socket is taken. */
  readonly takenAt?: readonly string[];
  /** Hosts whose page loads. */
  readonly loads?: readonly string[];
}

function context({
  url = 'wss://fleet.example/websockify?token=t',
  api,
  session,
  page,
  takenAt = [],
  loads = [],
}: Scene) {
  return {
    front: { vantage: 'public', target: { kind: 'socket', url: new URL(url), origin: undefined, headers: {} } },
    subject: { session, page: page && new URL(page) },
    prepared: { api: api && { saw: '1 session', at: api }, problem: undefined },
    page: async (at: URL) => ({ status: loads.includes(at.host) ? 200 : 0 }),
    takes: async (at: URL) => takenAt.includes(at.host),
  } as unknown as CheckContext;
}

const codeOf = async (facts: DialFacts, scene: Scene): Promise<unknown> => {
  const verdict = await unanswered(facts, 'an answer', 'public', context(scene));
  return 'code' in verdict ? [verdict.code, verdict.confidence] : verdict.status;
};

const API = 'http://10.0.0.2:9000';
const INTERNAL = 'ws://runner-vnc:6900/websockify?token=t';

describe('a public address that does not answer', () => {
  test.each<[string, DialFacts, Scene, unknown]>([
    ['a name that resolves nowhere', NO_NAME, {}, ['CF-DNS-NAME', 'proven']],
    ['one of the inside of a network', NO_NAME, { url: INTERNAL }, ['CF-CONTROL-URL', 'likely']],
    [
      'one that an API hands out which answers',
      NO_NAME,
      { url: INTERNAL, api: API, session: 's' },
      ['CF-CONTROL-URL', 'proven'],
    ],
    ['a public one of such an API', NO_NAME, { api: API, session: 's' }, ['CF-CONTROL-URL', 'likely']],
    ['a port that refuses, whoever handed it out', REFUSED, { api: API, session: 's' }, ['CF-TRAEFIK-DOWN', 'likely']],
    [
      'a port that refuses while the page leads to the same socket at its own',
      REFUSED,
      { page: 'https://fleet.example:8443/vnc/s', takenAt: ['fleet.example:8443'] },
      ['CF-CONTROL-URL', 'proven'],
    ],
    [
      'a port that refuses while the page does not',
      REFUSED,
      { page: 'https://fleet.example:8443/vnc/s' },
      ['CF-TRAEFIK-DOWN', 'likely'],
    ],
    [
      'an address of a container, while the page loads from elsewhere',
      REFUSED,
      { url: 'ws://172.18.0.5:6900/x', page: 'https://fleet.example/vnc/s', loads: ['fleet.example'] },
      ['CF-CONTROL-URL', 'likely'],
    ],
    [
      'an address of a container, while nothing else loads',
      REFUSED,
      { url: 'ws://172.18.0.5:6900/x', page: 'https://fleet.example/vnc/s' },
      ['CF-TRAEFIK-DOWN', 'likely'],
    ],
    [
      'an address of a container whose page is there as well',
      REFUSED,
      { url: 'ws://172.18.0.5:6900/x', page: 'http://172.18.0.5:8080/vnc/s', loads: ['172.18.0.5:8080'] },
      ['CF-TRAEFIK-DOWN', 'likely'],
    ],
    [
      'a public address that refuses, while the page loads from elsewhere',
      REFUSED,
      { url: 'wss://192.0.2.7/x', page: 'https://fleet.example/vnc/s', loads: ['fleet.example'] },
      ['CF-TRAEFIK-DOWN', 'likely'],
    ],
  ])('%s', async (_what, facts, scene, wanted) => {
    expect(await codeOf(facts, scene)).toEqual(wanted);
  });

  test('is judged as before at the other vantage points', async () => {
    const verdict = await unanswered(REFUSED, 'an answer', 'gateway', context({ url: INTERNAL }));
    expect(verdict).toMatchObject({ code: 'CF-GATEWAY-DOWN' });
  });
});
