import { request } from 'undici';
import { EVENT_SCHEMAS, type RightsRevoked, type SessionEnded, viewedAnswerSchema } from '../api/index.js';
import { errorText } from '../core/index.js';
import { followEvents } from '../sse/index.js';
import type { ControlChannel } from './control-channel.js';
import { controlState } from './events.js';

/** Ended sessions that are remembered; far more than live tokens at a time. */
const MAX_ENDED = 20_000;
const REDEEM_TIMEOUT_MS = 3_000;

export interface ChannelOptions {
  readonly controlUrl: string;
  readonly gatewayId: string;
  readonly serviceKey: string | undefined;
  readonly onEnded: (fact: SessionEnded) => void;
  readonly onRevoked: (fact: RightsRevoked) => void;
  /** The stream has opened: control may be another one than before, and know nothing. */
  readonly onConnected: () => void;
  readonly random: () => number;
}

/** Opens the one outbound event stream of a gateway; it comes back by itself for ever. */
export function openControlChannel(options: ChannelOptions): ControlChannel {
  const base = options.controlUrl.replace(/\/$/, '');
  const headers = options.serviceKey === undefined ? {} : { authorization: `Bearer ${options.serviceKey}` };
  const ended = new Map<string, SessionEnded>();
  const waiting = new Map<string, Set<(fact: SessionEnded) => void>>();

  const remember = (fact: SessionEnded): void => {
    ended.set(fact.session, fact);
    const [oldest] = ended.keys();
    if (ended.size > MAX_ENDED && oldest !== undefined) ended.delete(oldest);
    for (const tell of waiting.get(fact.session) ?? []) tell(fact);
    options.onEnded(fact);
  };

  const follower = followEvents({
    url: `${base}/internal/gateways/${encodeURIComponent(options.gatewayId)}/events`,
    headers,
    random: options.random,
    onState: (connected, why) => {
      controlState.publish({ connected, why, level: connected ? 'info' : 'warn' });
      if (connected) options.onConnected();
    },
    onEvent: ({ name, data }) => {
      const json = jsonOrUndefined(data);
      if (name === 'session.ended') {
        const fact = EVENT_SCHEMAS[name].safeParse(json);
        if (fact.success) remember(fact.data);
      } else if (name === 'rights.revoked') {
        const fact = EVENT_SCHEMAS[name].safeParse(json);
        if (fact.success) options.onRevoked(fact.data);
      }
    },
  });

  const post = (path: string, body: object): Promise<{ status: number; text: string }> =>
    request(`${base}${path}`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify(body),
      headersTimeout: REDEEM_TIMEOUT_MS,
      bodyTimeout: REDEEM_TIMEOUT_MS,
    }).then(async ({ statusCode, body: answer }) => ({ status: statusCode, text: await answer.text() }));

  return {
    get connected() {
      return follower.connected;
    },
    isEnded: (session) => ended.has(session),
    endOf: (session, ms) => {
      const known = ended.get(session);
      if (known || !follower.connected) return Promise.resolve(known);
      return new Promise((resolve) => {
        const listeners = waiting.get(session) ?? new Set();
        const finish = (fact?: SessionEnded): void => {
          clearTimeout(timer);
          listeners.delete(finish);
          if (listeners.size === 0) waiting.delete(session);
          resolve(fact);
        };
        const timer = setTimeout(finish, ms);
        waiting.set(session, listeners.add(finish));
      });
    },
    redeem: ({ jti, exp, iat }) =>
      post('/internal/tokens/redeem', { jti, exp, iat }).then(
        ({ status }) => (status === 200 ? true : status === 409 ? false : undefined),
        () => undefined, // control is away: the caller refuses, it never accepts
      ),
    isViewed: (session, jti) =>
      post('/internal/tokens/viewed', { session, jti }).then(
        ({ status, text }) => {
          const answer = viewedAnswerSchema.safeParse(jsonOrUndefined(text));
          return status === 200 && answer.success ? answer.data.viewed : undefined;
        },
        () => undefined, // control is away: the caller says so
      ),
    report: async (viewers) => {
      if (!follower.connected) return;
      await post(`/internal/gateways/${encodeURIComponent(options.gatewayId)}/viewers`, viewers).catch(
        (error: unknown) =>
          controlState.publish({
            connected: true,
            why: `the viewer report failed: ${errorText(error)}`,
            level: 'warn',
          }),
      );
    },
    stop: () => follower.stop(),
  };
}

function jsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the schema then refuses it
  }
}
