import type { PublicSession, Worker } from '../../api/index.js';

const KEY = 'camofleet.operator-key';

/** The API refused for want of a key. */
export class Unauthorised extends Error {}

export interface FleetApi {
  readonly version: string;
  workers(): Promise<Worker[]>;
  sessions(): Promise<PublicSession[]>;
  start(browser: string, startUrl: string): Promise<PublicSession>;
  end(session: PublicSession): Promise<void>;
}

/** Keeps the operator key for this tab alone. */
export function useKey(key: string): void {
  sessionStorage.setItem(KEY, key);
}

export async function openApi(): Promise<FleetApi> {
  const config: { apiPrefix: string; version: string } = await (await fetch('./config.json')).json();
  const call = async (method: string, path: string, body?: object): Promise<unknown> => {
    const key = sessionStorage.getItem(KEY);
    const response = await fetch(`${config.apiPrefix}${path}`, {
      method,
      headers: { ...(key && { authorization: `Bearer ${key}` }), ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    });
    if (response.status === 401) throw new Unauthorised('The operator key is needed.');
    const text = await response.text();
    const json: unknown = text === '' ? undefined : JSON.parse(text);
    if (!response.ok) throw new Error(detailOf(json) ?? `The API answered ${response.status}.`);
    return json;
  };
  return {
    version: config.version,
    workers: () => call('GET', '/workers') as Promise<Worker[]>,
    sessions: () => call('GET', '/sessions') as Promise<PublicSession[]>,
    start: (browser, startUrl) =>
      call('POST', '/sessions', { browser, ...(startUrl !== '' && { start_url: startUrl }) }) as Promise<PublicSession>,
    end: ({ worker, id }) =>
      call('DELETE', `/sessions/${encodeURIComponent(worker)}/${encodeURIComponent(id)}`) as Promise<void>,
  };
}

function detailOf(problem: unknown): string | undefined {
  return typeof problem === 'object' && problem !== null && 'detail' in problem ? String(problem.detail) : undefined;
}
