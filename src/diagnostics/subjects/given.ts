import { errorText } from '../../core/index.js';
import type { FleetClient } from '../fleet-client.js';
import { type Mode, type Prepared, type Problem, type Subject, VANTAGES, frontOf } from './subject.js';

interface Given {
  readonly url: URL | undefined;
  readonly page: URL | undefined;
  /** The page that shows it in a frame; without it that of the API. */
  readonly frame: URL | undefined;
  readonly control: URL | undefined;
  readonly gateway: URL | undefined;
  readonly rfb: { readonly host: string; readonly port: number } | undefined;
  readonly password: string | undefined;
  readonly origin: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly modes: readonly Mode[];
  /** Asked whether it answers, where it is given. */
  readonly client: FleetClient | undefined;
}

/** What flags name, of any deployment: one stream, of the first mode that is wanted. */
export async function prepareGiven(given: Given): Promise<Prepared> {
  const { url, gateway, rfb, origin, headers, password } = given;
  const socket = (at: URL, as: string | undefined) =>
    ({ kind: 'socket', url: at, origin: as, headers, password }) as const;
  const subject: Subject = {
    mode: given.modes[0] ?? 'still',
    session: undefined,
    isTestCard: false,
    page: given.page,
    frame: given.frame ?? given.control,
    targets: {
      ...(url && { public: socket(url, origin ?? originOf(url, given.page)) }),
      ...(gateway && { gateway: socket(gateway, origin) }),
      ...(rfb && { rfb: { kind: 'rfb', ...rfb, password } }),
    },
  };
  return {
    subjects: [subject],
    entrance: frontOf(subject),
    isOwn: false,
    ...(await askApi(given.client)),
    skips: VANTAGES.filter((vantage) => !subject.targets[vantage]).map((vantage) => ({
      what: `vantage ${vantage}`,
      because: `not given; pass --${vantage === 'public' ? 'url' : vantage}`,
    })),
    touch: async () => {},
    [Symbol.asyncDispose]: async () => {},
  };
}

/** As a browser would send it: the origin of the page. */
function originOf(url: URL, page: URL | undefined): string {
  return page ? page.origin : `${url.protocol === 'wss:' ? 'https' : 'http'}://${url.host}`;
}

async function askApi(
  client: FleetClient | undefined,
): Promise<{ readonly api: Prepared['api']; readonly problem: Problem | undefined }> {
  if (!client) return { api: undefined, problem: undefined };
  try {
    const workers = await client.workers();
    const saw = `workers: ${workers.map(({ name }) => name).join(', ')}`;
    return { api: { saw, at: client.baseUrl }, problem: undefined };
  } catch (error) {
    return { api: { saw: '' }, problem: { kind: 'control', saw: errorText(error) } };
  }
}
