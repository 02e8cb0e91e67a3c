import type { PublicSession, RunnerSession } from '../api/index.js';
import { type Clock, randomId } from '../core/index.js';
import type { ControlConfig } from '../settings/index.js';
import { type Keyring, type Rights, sealToken } from '../tokens/index.js';
import { fillPageTemplate, fillSocketTemplate } from './overrides.js';

export interface PublishDeps {
  readonly config: ControlConfig;
  readonly clock: Clock;
  readonly keyring: (() => Promise<Keyring>) | undefined;
  /** The entry of a runner by its name, with the templates of its URLs. */
  readonly entryOf: (worker: string) => ControlConfig['workers'][number] | undefined;
  /** Viewers that gateways have reported lately. */
  readonly viewersOf: (session: string) => number;
}

/** A runner's session as the world may see it: with fresh tokens, without target and password. */
export async function publishSession(
  session: RunnerSession,
  rights: Rights,
  deps: PublishDeps,
): Promise<PublicSession> {
  const { target, kind: _kind, viewers: _viewers, screen, ...shared } = session;
  return {
    ...shared,
    screen,
    viewers: deps.viewersOf(session.id),
    vnc: target ? await publicUrls(session, target, rights, deps) : null,
  };
}

async function publicUrls(
  session: RunnerSession,
  target: NonNullable<RunnerSession['target']>,
  rights: Rights,
  deps: PublishDeps,
): Promise<PublicSession['vnc']> {
  const worker = deps.entryOf(session.worker);
  if (!deps.keyring || worker?.vncWs === undefined || worker.vncHttp === undefined) return null;
  const now = Math.floor(deps.clock.now() / 1000);
  const token = await sealToken(
    {
      aud: deps.config.fleetId,
      sid: session.id,
      jti: randomId(),
      sub: 'operator',
      rights,
      target: { host: target.host, port: target.port },
      pw: target.password,
      iat: now,
      exp: now + deps.config.tokenTtlSeconds,
    },
    await deps.keyring(),
  );
  const filling = { sessionId: session.id, token, host: target.host, port: target.port };
  // The gateway answers the RFB password: a viewer is never asked for one.
  return {
    ws: fillSocketTemplate(worker.vncWs, filling),
    http: fillPageTemplate(worker.vncHttp, filling),
    password_protected: false,
  };
}
