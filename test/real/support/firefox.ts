import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';

/** A page in a browser. What is asked inside it is text: these tests have no types of a browser. */
export interface BrowserPage extends AsyncDisposable {
  goto(url: string): Promise<void>;
  evaluate(expression: string): Promise<unknown>;
  /** A click, then a key. */
  act(key: string, at: { readonly x: number; readonly y: number }): Promise<void>;
  /** Lines of the console and errors of scripts since the start. */
  readonly said: readonly string[];
}

const START_MS = 60_000;
const ANSWER_MS = 30_000;

interface Answer {
  readonly type: string;
  readonly id?: number;
  readonly method?: string;
  readonly message?: string;
  readonly params?: { readonly text?: string };
  readonly result?: Readonly<Record<string, unknown>>;
}

/** Firefox without a window, driven by WebDriver BiDi, in a profile that goes with it. */
export async function openFirefox(program: string): Promise<BrowserPage> {
  const profile = mkdtempSync(join(tmpdir(), 'camofleet-firefox-'));
  const args = ['--headless', '--no-remote', '--profile', profile, '--remote-debugging-port', '0'];
  const child = spawn(program, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, HOME: profile, MOZ_HEADLESS_WIDTH: '1000', MOZ_HEADLESS_HEIGHT: '700' },
  });
  const stop = async (): Promise<void> => {
    await kill(child);
    rmSync(profile, { recursive: true, force: true });
  };
  try {
    const socket = new WebSocket(`${await listening(child)}/session`);
    await once(socket, 'open');
    return await pageOf(socket, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function pageOf(socket: WebSocket, stop: () => Promise<void>): Promise<BrowserPage> {
  const said: string[] = [];
  const waiting = new Map<number, (answer: Answer) => void>();
  let last = 0;
  socket.on('message', (data: Buffer) => {
    const answer = JSON.parse(data.toString()) as Answer;
    if (answer.method === 'log.entryAdded') said.push(answer.params?.text ?? '');
    if (answer.id !== undefined) waiting.get(answer.id)?.(answer);
  });
  const ask = (method: string, params: object): Promise<Readonly<Record<string, unknown>>> => {
    last += 1;
    const id = last;
    socket.send(JSON.stringify({ id, method, params }));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`Firefox did not answer ${method}`)), ANSWER_MS);
      waiting.set(id, (answer) => {
        clearTimeout(timer);
        waiting.delete(id);
        if (answer.type === 'success') resolve(answer.result ?? {});
        else reject(new Error(`${method}: ${answer.message}`));
      });
    });
  };
  await ask('session.new', { capabilities: {} });
  await ask('session.subscribe', { events: ['log.entryAdded'] });
  const { context } = await ask('browsingContext.create', { type: 'tab' });
  return {
    said,
    goto: async (url) => void (await ask('browsingContext.navigate', { context, url, wait: 'complete' })),
    evaluate: async (expression) => {
      const answer = await ask('script.evaluate', { expression, target: { context }, awaitPromise: true });
      const { value } = (answer['result'] ?? {}) as { readonly value?: unknown };
      return value;
    },
    act: async (key, { x, y }) => {
      const pointer = [
        { type: 'pointerMove', x, y },
        { type: 'pointerDown', button: 0 },
        { type: 'pointerUp', button: 0 },
      ];
      await ask('input.performActions', { context, actions: [{ type: 'pointer', id: 'mouse', actions: pointer }] });
      const keys = [
        { type: 'keyDown', value: key },
        { type: 'keyUp', value: key },
      ];
      await ask('input.performActions', { context, actions: [{ type: 'key', id: 'keys', actions: keys }] });
    },
    [Symbol.asyncDispose]: async () => {
      socket.terminate();
      await stop();
    },
  };
}

/** The address that Firefox names on stderr. */
async function listening(child: ChildProcess): Promise<string> {
  let said = '';
  return new Promise((resolve, reject) => {
    const fail = (): void => reject(new Error(`Firefox offers no BiDi: ${said}`));
    const timer = setTimeout(fail, START_MS);
    child.once('exit', fail);
    child.once('error', reject);
    child.stderr!.on('data', (bytes: Buffer) => {
      said += bytes.toString();
      const address = /BiDi listening on (ws:\/\/\S+)/.exec(said)?.[1];
      if (address === undefined) return;
      clearTimeout(timer);
      child.off('exit', fail);
      resolve(address);
    });
  });
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const force = setTimeout(() => child.kill('SIGKILL'), 5_000);
  await ended;
  clearTimeout(force);
}
