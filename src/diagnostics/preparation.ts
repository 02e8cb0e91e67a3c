import { clientOfFleet, openFleetClient } from './fleet-client.js';
import { type Prepared, prepareFleet, prepareGiven } from './subjects/index.js';
import type { Trust } from './trust.js';
import type { VerifyDeps, VerifyOptions } from './options.js';

/** What the run looks at: what flags name, else sessions of the fleet or of the API. The client lives as long as they do. */
export async function prepare(
  run: string,
  options: VerifyOptions,
  { fleet }: VerifyDeps,
  trust: Trust,
  onLeft: (session: string, because: string) => void,
): Promise<Prepared> {
  const { url, gateway, rfb, control, headers } = options;
  const isGiven = url !== undefined || gateway !== undefined || rfb !== undefined;
  await using scope = new AsyncDisposableStack();
  const at = control?.href.replace(/\/$/, '');
  const client = scope.use(
    fleet && !isGiven
      ? await clientOfFleet(fleet, trust, at)
      : openFleetClient({ baseUrl: at ?? '', headers, ...trust }),
  );
  const prepared = scope.use(
    isGiven
      ? await prepareGiven({ ...options, client: at === undefined ? undefined : client })
      : await prepareFleet({ ...options, client, fleet, run, onLeft }),
  );
  const owner = scope.move();
  return { ...prepared, [Symbol.asyncDispose]: () => owner.disposeAsync() };
}
