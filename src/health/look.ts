import type { RequestOptions } from 'node:http';
import { errorText, nodeHttp } from '../core/index.js';
import { KNOWN_NAMES, type ServiceName, controlSettings, gatewaySettings, runnerSettings } from '../settings/index.js';

export interface Health {
  readonly isWell: boolean;
  /** What it said, or why it could not be asked; of one line. */
  readonly words: string;
}

interface Question {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly tls: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** What is shown of an answer. */
const MAX_WORDS = 1_000;

/** Asks the service that this environment configures. An environment that is wrong is an answer, too. */
export async function lookAt(service: ServiceName, env: Environment, timeoutMs: number): Promise<Health> {
  try {
    const { status, text } = await ask(questionOf(service, env), AbortSignal.timeout(timeoutMs));
    return { isWell: status === 200, words: `${status} ${text}`.trim().slice(0, MAX_WORDS) };
  } catch (error) {
    return { isWell: false, words: errorText(error).slice(0, MAX_WORDS) };
  }
}

/** Where a service says whether it is ready. */
export function questionOf(service: ServiceName, env: Environment): Question {
  const sources = { env, knownNames: KNOWN_NAMES };
  switch (service) {
    case 'gateway': {
      const { host, port, tlsCertificate } = gatewaySettings.load(sources);
      return { host: here(host), port, path: '/readyz', tls: tlsCertificate !== '' };
    }
    case 'control': {
      const { host, port } = controlSettings.load(sources);
      return { host: here(host), port, path: '/health', tls: false };
    }
    case 'runner': {
      const { internalHost, internalPort } = runnerSettings.load(sources);
      return { host: here(internalHost), port: internalPort, path: '/readyz', tls: false };
    }
  }
}

/** Where a listener on every address is reached from beside it. */
function here(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  return host === '::' ? '::1' : host;
}

async function ask({ tls, ...where }: Question, signal: AbortSignal): Promise<{ status: number; text: string }> {
  // The name in the certificate is the public one; whether it can be trusted is for those who come from afar.
  const options: RequestOptions & { rejectUnauthorized: boolean } = {
    ...where,
    signal,
    agent: false,
    rejectUnauthorized: false,
  };
  const send = tls ? (await import('node:https')).get : nodeHttp().get;
  return new Promise((resolve, reject) => {
    const request = send(options, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (piece: string) => {
        if (text.length < MAX_WORDS) text += piece;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      response.on('error', reject);
    });
    request.on('error', reject);
  });
}
