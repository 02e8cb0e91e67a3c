import type { RunnerSession } from '../api/index.js';

/** The URLs that a runner hands out when no control plane does: with the slot's legacy id, below the given bases. */
export function legacyUrls(
  { ws, http }: { readonly ws: string; readonly http: string },
  legacyId: number,
): RunnerSession['vnc'] {
  if (ws === '' || http === '') return null;
  return {
    ws: `${withoutSlash(ws)}/websockify?token=${legacyId}`,
    http: `${withoutSlash(http)}/vnc/${legacyId}`,
    password_protected: true,
  };
}

function withoutSlash(base: string): string {
  return base.replace(/\/+$/, '');
}
