import { once } from 'node:events';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventHistory, serveEvents } from '../../../src/sse/index.ts';

export const SERVICE_KEY = 'service-key-canary';

export interface TestControl extends AsyncDisposable {
  /** The settings of a gateway that belongs to it. */
  readonly env: Record<string, string>;
  readonly history: EventHistory;
  /** Bodies of viewer reports. */
  readonly reports: unknown[];
  /** Resolves when a gateway follows the events. */
  readonly followed: Promise<void>;
  /** Ends every event stream, as a restart does. */
  drop(): void;
}

/** What a gateway sees of a control plane: its event stream, viewer reports, redemption. */
export async function startTestControl(): Promise<TestControl> {
  const dir = mkdtempSync(join(tmpdir(), 'camofleet-control-'));
  const keyFile = join(dir, 'service.key');
  writeFileSync(keyFile, SERVICE_KEY);
  chmodSync(keyFile, 0o600);
  const history = new EventHistory();
  const reports: unknown[] = [];
  const redeemed = new Set<string>();
  const following = Promise.withResolvers<void>();
  const server: Server = createServer((request, response) => {
    if (request.headers.authorization !== `Bearer ${SERVICE_KEY}`) return void response.writeHead(401).end();
    if (request.method === 'GET') {
      serveEvents(request, response, history, { newcomersHear: 'kept' });
      following.resolve();
      return;
    }
    void readBody(request).then((body) => {
      if (request.url?.endsWith('/viewers')) {
        reports.push(body);
        response.writeHead(204).end();
        return;
      }
      const { jti } = body as { jti: string };
      response.writeHead(redeemed.has(jti) ? 409 : 200).end('{}');
      redeemed.add(jti);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    env: {
      CAMOFLEET_GATEWAY_CONTROL_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      CAMOFLEET_GATEWAY_SERVICE_KEY_FILE: keyFile,
    },
    history,
    reports,
    followed: following.promise,
    drop: () => server.closeAllConnections(),
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

async function readBody(request: AsyncIterable<Buffer>): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString());
}
