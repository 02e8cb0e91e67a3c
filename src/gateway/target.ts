import { readFile } from 'node:fs/promises';
import { type Result, VALID_ID, err, errorText, fingerprint, ok } from '../core/index.js';
import type { GatewayConfig, MapEntry } from '../settings/index.js';
import { type Keyring, type Rights, type TokenClaims, type TokenRefusal, openToken } from '../tokens/index.js';
import type { Refusal } from './refuse.js';
import type { RefusalCode } from './refusals.js';

/** Where a socket leads, and what its viewer may do. */
export interface Target {
  /** Public session id, or the open identity. */
  readonly session: string;
  readonly host: string;
  readonly port: number;
  readonly password: string | undefined;
  readonly rights: Rights;
  /** Absent for open identities. */
  readonly claims?: TokenClaims;
  /** As it may be logged. */
  readonly token?: string;
}

export interface TargetDeps {
  readonly config: GatewayConfig;
  readonly keyring: (() => Promise<Keyring>) | undefined;
  readonly isAllowed: (host: string, port: number) => boolean;
  readonly isEnded: (session: string) => boolean;
  readonly isRevoked: (claims: TokenClaims) => boolean;
  readonly nowMs: number;
}

/** What was asked: a token or id in the query, or an id in the path. */
export interface Asked {
  readonly id: string | undefined;
  readonly from: 'query' | 'path';
}

/** Looks an identity up: map, then range, then token; the first match decides. */
export async function resolveTarget(asked: Asked, deps: TargetDeps): Promise<Result<Target, Refusal>> {
  const { id } = asked;
  if (id === undefined || id === '') return err({ code: 'id_missing' });
  if (!VALID_ID.test(id)) return err({ code: 'id_malformed' });
  const open = await openIdentityOf(id, deps.config);
  if (open) return open;
  return asked.from === 'path' || !looksLikeToken(id) ? err({ code: unknownCode(asked, deps) }) : byToken(id, deps);
}

/** A word that is no open identity: a bad token where tokens are taken, an unknown id where ids are. */
function unknownCode(asked: Asked, deps: TargetDeps): RefusalCode {
  return asked.from === 'path' || !deps.keyring ? 'unknown_id' : 'token_invalid';
}

/** A compact JWE has five parts. */
function looksLikeToken(id: string): boolean {
  return id.split('.').length === 5;
}

const TOKEN_REFUSALS: Readonly<Record<TokenRefusal, RefusalCode>> = {
  malformed: 'token_invalid',
  unknown_key: 'token_invalid',
  altered: 'token_invalid',
  foreign_fleet: 'token_foreign',
  expired: 'token_expired',
};

async function byToken(token: string, deps: TargetDeps): Promise<Result<Target, Refusal>> {
  const shown = fingerprint(token);
  if (!deps.keyring) return err({ code: 'token_invalid', token: shown });
  const opened = await openToken(token, await deps.keyring(), { fleetId: deps.config.fleetId, nowMs: deps.nowMs });
  if (!opened.ok) return err({ code: TOKEN_REFUSALS[opened.error], token: shown, saw: opened.error });
  const claims = opened.value;
  const known = { session: claims.sid, token: shown };
  if (deps.isEnded(claims.sid)) return err({ code: 'session_ended', ...known });
  if (deps.isRevoked(claims)) return err({ code: 'rights_revoked', ...known });
  const { host, port } = claims.target;
  if (!deps.isAllowed(host, port))
    return err({ code: 'target_refused', ...known, saw: `${host}:${port} is not among the allowed targets` });
  const password = claims.pw === '' ? undefined : claims.pw;
  return ok({ ...known, host, port, password, rights: claims.rights, claims });
}

async function openIdentityOf(id: string, config: GatewayConfig): Promise<Result<Target, Refusal> | undefined> {
  const entry = config.mapJson.get(id);
  if (entry) return mapped(id, entry);
  const range = config.webRange;
  const number = /^(0|[1-9]\d{0,4})$/.test(id) ? Number(id) : undefined; // one spelling of each
  if (number === undefined || !range || config.defaultHost === '' || number < range.min || number > range.max)
    return undefined;
  const port = config.basePort + number - range.min;
  return ok({ session: id, host: config.defaultHost, port, password: undefined, rights: 'control' });
}

async function mapped(id: string, entry: MapEntry): Promise<Result<Target, Refusal>> {
  const { host, port, passwordFile, viewOnly } = entry;
  const target = { session: id, host, port, rights: viewOnly ? ('view' as const) : ('control' as const) };
  if (passwordFile === undefined) return ok({ ...target, password: undefined });
  try {
    return ok({ ...target, password: (await readFile(passwordFile, 'utf8')).replace(/\r?\n$/, '') });
  } catch (error) {
    return err({ code: 'runner_auth', session: id, saw: `the password file: ${errorText(error)}` });
  }
}
