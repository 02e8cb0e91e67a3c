import { readFile } from 'node:fs/promises';
import { type Result, VALID_ID, err, fingerprint, ok } from '../core/index.js';
import type { GatewayConfig } from '../settings/index.js';
import { type Keyring, type Rights, type TokenClaims, openToken } from '../tokens/index.js';
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

export interface TargetRefusal {
  readonly code: RefusalCode;
  readonly session?: string;
  readonly token?: string;
}

export interface TargetDeps {
  readonly config: GatewayConfig;
  readonly keyring: (() => Promise<Keyring>) | undefined;
  readonly isAllowed: (host: string, port: number) => boolean;
  readonly isEnded: (session: string) => boolean;
  readonly nowMs: number;
}

/** What was asked: a token or id in the query, or an id in the path. */
export interface Asked {
  readonly id: string | undefined;
  readonly from: 'query' | 'path';
}

/** Looks an identity up: map, then range, then token; the first match decides. */
export async function resolveTarget(asked: Asked, deps: TargetDeps): Promise<Result<Target, TargetRefusal>> {
  const { id } = asked;
  if (id === undefined || id === '') return err({ code: 'id_missing' });
  if (!VALID_ID.test(id)) return err({ code: 'id_malformed' });
  const open = await openIdentityOf(id, deps.config);
  if (open) return ok(open);
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

async function byToken(token: string, deps: TargetDeps): Promise<Result<Target, TargetRefusal>> {
  const shown = fingerprint(token);
  if (!deps.keyring) return err({ code: 'token_invalid', token: shown });
  const opened = await openToken(token, await deps.keyring(), { fleetId: deps.config.fleetId, nowMs: deps.nowMs });
  if (!opened.ok) {
    const code =
      opened.error === 'expired'
        ? 'token_expired'
        : opened.error === 'foreign_fleet'
          ? 'token_foreign'
          : 'token_invalid';
    return err({ code, token: shown });
  }
  const claims = opened.value;
  const known = { session: claims.sid, token: shown };
  if (deps.isEnded(claims.sid)) return err({ code: 'session_ended', ...known });
  if (!deps.isAllowed(claims.target.host, claims.target.port)) return err({ code: 'target_refused', ...known });
  return ok({ ...known, ...claims.target, password: claims.pw, rights: claims.rights, claims });
}

async function openIdentityOf(id: string, config: GatewayConfig): Promise<Target | undefined> {
  const entry = config.mapJson.get(id);
  if (entry) {
    const password = entry.passwordFile === undefined ? undefined : (await readFile(entry.passwordFile, 'utf8')).trim();
    return { session: id, host: entry.host, port: entry.port, password, rights: entry.viewOnly ? 'view' : 'control' };
  }
  const range = config.webRange;
  const number = /^\d{1,5}$/.test(id) ? Number(id) : undefined;
  if (number === undefined || !range || config.defaultHost === '' || number < range.min || number > range.max)
    return undefined;
  const port = config.basePort + number - range.min;
  return { session: id, host: config.defaultHost, port, password: undefined, rights: 'control' };
}
