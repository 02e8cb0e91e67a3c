import { nearest } from '../core/index.js';
import { NAME } from './forms.js';

/** One runner of `CONTROL_WORKERS`; the override templates hold `{id}`, `{host}` and `{port}`. */
export interface WorkerEntry {
  readonly name: string;
  readonly url: string;
  readonly supportsVnc: boolean;
  /** The host of `url` is the name of all replicas: each address behind it is a runner, called `name-address`. */
  readonly discover?: boolean;
  readonly vncWs?: string;
  readonly vncHttp?: string;
}

const KEYS = ['name', 'url', 'supports_vnc', 'vnc_ws', 'vnc_http', 'discover'];
const PLACEHOLDERS = new Set(['id', 'host', 'port']);

/** Reads `CONTROL_WORKERS`; throws an Error that says what was wanted. */
export function parseWorkers(value: unknown): readonly WorkerEntry[] {
  if (!Array.isArray(value)) throw new Error(`an array of {${KEYS.join(', ')}}`);
  const workers = value.map((entry: unknown, index) => parseWorker(entry, index));
  const names = workers.map((worker) => worker.name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new Error(`each worker name once, ${JSON.stringify(twice)} is there twice`);
  return workers;
}

function parseWorker(entry: unknown, index: number): WorkerEntry {
  const record: Readonly<Record<string, unknown>> = typeof entry === 'object' && entry !== null ? { ...entry } : {};
  const { name, url, supports_vnc: supportsVnc, vnc_ws: vncWs, vnc_http: vncHttp, discover } = record;
  if (typeof name !== 'string' || !NAME.pattern.test(name))
    throw new Error(`a name for worker ${index + 1}: ${NAME.want}`);
  const worker = JSON.stringify(name);
  const unknown = Object.keys(record).find((key) => !KEYS.includes(key));
  if (unknown !== undefined) {
    const close = nearest(unknown, KEYS);
    throw new Error(
      `only ${KEYS.join(', ')} for worker ${worker}, not ${unknown}${close ? `; did you mean ${close}?` : ''}`,
    );
  }
  if (typeof url !== 'string' || !/^https?:\/\//.test(url) || !URL.canParse(url))
    throw new Error(`a URL for worker ${worker}, with http:// or https://`);
  if (supportsVnc !== undefined && typeof supportsVnc !== 'boolean')
    throw new Error(`true or false as supports_vnc of worker ${worker}`);
  if (discover !== undefined && typeof discover !== 'boolean')
    throw new Error(`true or false as discover of worker ${worker}`);
  if (discover === true && new URL(url).protocol !== 'http:')
    throw new Error(
      `an http:// URL for worker ${worker}: a certificate does not name the addresses that are discovered`,
    );
  return {
    name,
    url,
    supportsVnc: supportsVnc ?? true,
    ...(discover === true && { discover }),
    ...optionalTemplate('vncWs', `vnc_ws of worker ${worker}`, vncWs, ['ws:', 'wss:']),
    ...optionalTemplate('vncHttp', `vnc_http of worker ${worker}`, vncHttp, ['http:', 'https:']),
  };
}

/** A template that cannot be honoured is an error at start with its position, never a silently published address. */
function optionalTemplate<K extends string>(
  key: K,
  where: string,
  value: unknown,
  protocols: readonly string[],
): Partial<Record<K, string>> {
  if (value === undefined || value === null || value === '') return {};
  if (typeof value !== 'string') throw new Error(`text as ${where}`);
  checkPlaceholders(value, where);
  if (!value.includes('{id}')) throw new Error(`{id} in ${where}, got ${JSON.stringify(value)}`);
  const sample = value.replaceAll('{id}', 'id').replaceAll('{host}', 'host').replaceAll('{port}', '1');
  if (!URL.canParse(sample) || !protocols.includes(new URL(sample).protocol)) {
    const wanted = protocols.map((protocol) => `${protocol}//`).join(' or ');
    throw new Error(`${where} to begin with ${wanted}, got ${JSON.stringify(value)}`);
  }
  return { [key]: value } as Partial<Record<K, string>>;
}

/** Whole placeholders that we know; no fragment, for that is where the token of a page travels. */
function checkPlaceholders(template: string, where: string): void {
  for (const { 0: found, 1: name, index } of template.matchAll(/\{([^{}]*)\}|[{}#]/g)) {
    const at = `${where} at character ${index + 1}`;
    if (found === '{') throw new Error(`a closing } in ${where} for the { at character ${index + 1}`);
    if (found === '}') throw new Error(`an opening { for the } of ${at}`);
    if (found === '#') throw new Error(`no fragment, which the token needs, but there is a # in ${at}`);
    if (!PLACEHOLDERS.has(name ?? ''))
      throw new Error(`only {id}, {host} and {port} in ${where}, not ${found} at character ${index + 1}`);
  }
}
