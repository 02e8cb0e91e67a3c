import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../../src/core/index.ts';
import { startJsonLog } from '../../../src/core/index.ts';
import { GATEWAY_CHANNELS, type Gateway, startGateway } from '../../../src/gateway/index.ts';
import { gatewaySettings } from '../../../src/settings/index.ts';
import { type TokenClaims, createKeyFile, parseKeyring, sealToken } from '../../../src/tokens/index.ts';

/** Time that a test can let pass at once; timers still tick in real time. */
export interface PassingClock extends Clock {
  pass(ms: number): void;
}

export function passingClock(): PassingClock {
  let passed = 0;
  return {
    now: () => Date.now() + passed,
    monotonic: () => performance.now() + passed,
    pass: (ms) => {
      passed += ms;
    },
  };
}

export type LogLine = Readonly<Record<string, unknown>> & { readonly event: string };

export interface TestGateway extends AsyncDisposable {
  readonly gateway: Gateway;
  readonly port: number;
  readonly clock: PassingClock;
  readonly keysFile: string;
  /** Every line as it would be printed. */
  readonly lines: string[];
  /** The lines of an event, parsed; waits until there are `count` of them. */
  log(event: string, count?: number): Promise<LogLine[]>;
  /** A token for a runner on loopback. */
  token(port: number, claims?: Partial<TokenClaims>): Promise<string>;
}

export const FLEET = 'fleet-1';
export const PASSWORD = 'canarypw';
const WAIT_MS = 5_000;

/** A gateway on free ports with a key file, a page and a log of its own. */
export async function startTestGateway(
  env: Readonly<Record<string, string>> = {},
  options: { readonly pageRoot?: string } = {},
): Promise<TestGateway> {
  const dir = mkdtempSync(join(tmpdir(), 'camofleet-gateway-'));
  const keysFile = env['CAMOFLEET_GATEWAY_TOKEN_KEYS_FILE'] ?? join(dir, 'keys.json');
  if (!existsSync(keysFile)) await createKeyFile(keysFile);
  const pageRoot = options.pageRoot ?? writePage(join(dir, 'page'));
  const config = gatewaySettings.load({
    env: {
      HTTP_HOST: '127.0.0.1',
      HTTP_PORT: '0',
      CAMOFLEET_GATEWAY_INTERNAL_PORT: '0',
      CAMOFLEET_GATEWAY_FLEET_ID: FLEET,
      CAMOFLEET_GATEWAY_TOKEN_KEYS_FILE: keysFile,
      CAMOFLEET_GATEWAY_ALLOWED_TARGETS: '127.0.0.1:1-65535',
      ...env,
    },
    knownNames: [],
  });
  const clock = passingClock();
  const lines: string[] = [];
  const endLog = startJsonLog(GATEWAY_CHANNELS, { write: (line) => lines.push(line), clock, least: 'debug' });
  const gateway = await startGateway(config, { clock, random: () => 0, pageRoot });
  return {
    gateway,
    port: gateway.port,
    clock,
    keysFile,
    lines,
    log: async (event, count = 1) => {
      const until = Date.now() + WAIT_MS;
      for (;;) {
        const found = lines.map((line): LogLine => JSON.parse(line)).filter((line) => line.event === event);
        if (found.length >= count) return found;
        if (Date.now() > until) throw new Error(`${count} x ${event} awaited, the log has\n${lines.join('')}`);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
    token: (port, claims = {}) => {
      const now = Math.floor(clock.now() / 1_000);
      return sealToken(
        {
          aud: FLEET,
          sid: 'session-1',
          jti: 'jti-1',
          sub: 'operator',
          rights: 'control',
          target: { host: '127.0.0.1', port },
          pw: PASSWORD,
          iat: now,
          exp: now + 300,
          ...claims,
        },
        parseKeyring(readFileSync(keysFile, 'utf8'), keysFile),
      );
    },
    [Symbol.asyncDispose]: async () => {
      await gateway[Symbol.asyncDispose]();
      endLog();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** The least that the gateway takes for a built page. */
export function writePage(root: string): string {
  mkdirSync(join(root, '~assets'), { recursive: true });
  writeFileSync(join(root, 'index.html'), '<!doctype html><title>viewer</title>');
  writeFileSync(join(root, '~assets', 'viewer-1.js'), 'export {};');
  return root;
}
