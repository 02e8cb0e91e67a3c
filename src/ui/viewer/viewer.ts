import type RFBClient from '@novnc/novnc';
import { readAccess } from './access.js';
import { endingOf, mayTryAgain } from './ends.js';

/** noVNC probes the browser while it loads; where that never ends, the page says so instead of staying blank. */
const LOADING_MS = 10_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;

const root = document.documentElement;
const access = readAccess();
let tries = 0;
let renewal: number | undefined;
let pause: number | undefined;
let lastCode = 0;

function byId(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return element;
}

function show(state: 'connecting' | 'connected' | 'ended', status: string): void {
  root.dataset['state'] = state;
  byId('status').textContent = status;
}

function tell(headline: string, advice: string, canAsk: boolean): void {
  byId('headline').textContent = headline;
  byId('advice').textContent = advice;
  byId('message').hidden = headline === '';
  byId('again').hidden = !canAsk;
}

async function loadClient(): Promise<typeof RFBClient> {
  const late = new Promise<never>((_resolve, reject) => {
    setTimeout(() => reject(new Error('the viewer did not load in time')), LOADING_MS);
  });
  const loaded = await Promise.race([import('@novnc/novnc'), late]);
  return loaded.default;
}

async function connect(): Promise<void> {
  clearTimeout(pause);
  show('connecting', 'Connecting …');
  let Client: typeof RFBClient;
  try {
    Client = await loadClient();
  } catch (error) {
    show('ended', 'Not loaded');
    tell('The viewer did not load', `${String(error)}. Reload the page, or try another browser.`, false);
    return;
  }
  byId('screen').replaceChildren();
  const socket = new WebSocket(access.socketUrl(), ['binary']);
  let opened = false;
  socket.addEventListener('open', () => {
    opened = true;
  });
  socket.addEventListener('close', ({ code }) => {
    clearTimeout(renewal);
    if (opened) ended(code);
    else void refused();
  });
  const client = new Client(byId('screen'), socket, { shared: true });
  client.scaleViewport = true;
  client.background = 'transparent';
  client.addEventListener('connect', () => {
    tries = 0;
    delete root.dataset['code'];
    show('connected', 'Live');
    tell('', '', false);
    client.focus();
    renewLater();
  });
  client.addEventListener('desktopname', ({ detail }) => {
    byId('name').textContent = detail.name || access.session;
    document.title = `${detail.name || access.session} · camofleet`;
  });
}

function renewLater(): void {
  const ms = access.renewInMs();
  if (!Number.isFinite(ms)) return;
  renewal = window.setTimeout(() => {
    access.renew().then(renewLater, renewLater); // a renewal that failed is tried again at the next turn
  }, ms);
}

function ended(code: number): void {
  lastCode = code;
  root.dataset['code'] = String(code);
  const ending = endingOf(code);
  if (ending.again === 'itself') tryAgain(ending.headline, ending.advice);
  else finish(ending.headline, ending.advice, ending.again === 'asked');
}

/** A browser cannot see why a socket was refused; the gateway says it to a plain request. */
async function refused(): Promise<void> {
  const url = access.probeUrl();
  const problem = url === undefined ? undefined : await problemAt(url);
  if (problem === 'unreachable' || problem === undefined || problem.code === '') {
    root.dataset['code'] = '1006';
    tryAgain(
      'No connection',
      url === undefined
        ? 'The session was not opened: the id may be unknown here.'
        : 'The gateway does not answer. Trying again.',
    );
    return;
  }
  root.dataset['code'] = String(problem.status);
  if (mayTryAgain(problem.code)) tryAgain(problem.title, problem.detail);
  else finish(problem.title, problem.detail, false);
}

interface Problem {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly detail: string;
}

async function problemAt(url: string): Promise<Problem | 'unreachable' | undefined> {
  try {
    const response = await fetch(url, { cache: 'no-store' });
    if (response.ok) return undefined;
    const {
      status,
      code = '',
      title = `Error ${response.status}`,
      detail = '',
    }: Partial<Problem> = await response.json();
    return { status: status ?? response.status, code, title, detail };
  } catch {
    return 'unreachable'; // no answer, or one that is not the gateway's
  }
}

function tryAgain(headline: string, advice: string): void {
  tries += 1;
  const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (tries - 1));
  const ms = longest * (0.5 + Math.random() / 2);
  show('connecting', `Try ${tries + 1} in ${Math.max(1, Math.round(ms / 1000))} s`);
  tell(headline, advice, true);
  clearTimeout(pause);
  pause = window.setTimeout(() => void connect(), ms);
}

function finish(headline: string, advice: string, canAsk: boolean): void {
  show('ended', lastCode === 0 ? 'Not connected' : 'Ended');
  tell(headline, advice, canAsk);
}

byId('again').addEventListener('click', () => {
  tries = 0;
  void connect();
});
byId('fullscreen').addEventListener('click', () => {
  void (document.fullscreenElement ? document.exitFullscreen() : root.requestFullscreen());
});
byId('name').textContent = access.session;
void connect();
