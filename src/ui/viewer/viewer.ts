import type RFBClient from '@novnc/novnc';
import { readAccess } from './access.js';
import { endingOf } from './ends.js';
import { openPage, watchEscape } from './page.js';
import { askWhy, wordsOf } from './refusal.js';

/** noVNC probes the browser while it loads; where that never ends, the page says so instead of staying blank. */
const LOADING_MS = 10_000;
/** A screen that has not shown itself by then is named as what is waited for. */
const SCREEN_MS = 15_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;
/** A connection that has lived so long was a good one: the next pause is short again. */
const GOOD_MS = 10_000;
/** What is taken for the answer where nothing is asked. */
const READY = { kind: 'ready' } as const;
/** A gateway that stops tells its viewers, spread over its grace, to come back: that is no failure, and need not be slow. */
const RESTARTS = 1012;

const access = readAccess();
const page = openPage();
let tries = 0;
/** The last refusal had no reason that a plain request would be told. */
let wasReady = false;
let pause: number | undefined;

async function loadClient(): Promise<typeof RFBClient> {
  const late = new Promise<never>((_resolve, reject) => {
    setTimeout(() => reject(new Error('the viewer did not load in time')), LOADING_MS);
  });
  const loaded = await Promise.race([import('@novnc/novnc'), late]);
  return loaded.default;
}

async function connect(): Promise<void> {
  clearTimeout(pause);
  page.show('connecting', 'Connecting …');
  try {
    open(await loadClient());
  } catch (error) {
    page.show('ended', 'Not loaded');
    const why = error instanceof Error ? error.message : String(error);
    page.tell({
      headline: 'The viewer did not load',
      advice: `Reload the page, or try another browser (${why}).`,
      canAsk: true,
    });
  }
}

/** One connection, from its socket to its end. */
function open(Client: typeof RFBClient): void {
  const socket = new WebSocket(access.socketUrl(), ['binary']);
  const timers = new Set<number>();
  const later = (work: () => void, ms: number): void => void timers.add(window.setTimeout(work, ms));
  let opened = false;
  socket.addEventListener('open', () => {
    opened = true;
    page.show('connecting', 'Waiting for the screen …');
    later(() => page.show('connecting', 'The screen does not answer yet …'), SCREEN_MS);
  });
  socket.addEventListener('close', ({ code }) => {
    for (const timer of timers) clearTimeout(timer);
    if (opened) ended(code);
    else void refused();
  });

  page.screen.replaceChildren();
  const client = new Client(page.screen, socket, { shared: true });
  client.scaleViewport = true;
  client.background = 'transparent';
  const renew = async (): Promise<void> => {
    const { nextInMs, rights } = await access.renew();
    if (rights) {
      client.viewOnly = rights === 'view';
      page.viewOnly(rights === 'view');
    }
    if (nextInMs !== undefined && socket.readyState === WebSocket.OPEN) later(() => void renew(), nextInMs);
  };
  client.addEventListener('connect', () => {
    for (const timer of timers) clearTimeout(timer);
    page.show('connected', 'Live');
    page.tell(undefined);
    client.focus();
    later(() => {
      tries = 0;
    }, GOOD_MS);
    void renew();
  });
  client.addEventListener('desktopname', ({ detail }) => page.name(detail.name || access.session));
}

function ended(code: number): void {
  const { headline, advice, again } = endingOf(code);
  if (code === RESTARTS) tries = 0;
  if (again === 'itself') return tryAgain(headline, advice, String(code));
  page.show('ended', 'Ended', String(code));
  page.tell({ headline, advice, canAsk: again === 'asked' });
}

async function refused(): Promise<void> {
  // A balancer that deals requests in turn would send every attempt to the same gateway if each were followed by a question.
  const why = wasReady ? READY : await askWhy(access.probeUrl());
  wasReady = why !== READY && why.kind === 'ready';
  const { headline, advice, again, code } = wordsOf(why);
  if (again) return tryAgain(headline, advice, code);
  page.show('ended', 'Not connected', code);
  page.tell({ headline, advice, canAsk: false });
}

/** Connects again by itself, later each time, never at the same moment as everybody else. */
function tryAgain(headline: string, advice: string, code: string): void {
  tries += 1;
  const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (tries - 1));
  const ms = longest * (0.5 + Math.random() / 2);
  page.show('connecting', `Try ${tries + 1} in ${Math.max(1, Math.round(ms / 1000))} s`, code);
  page.tell({ headline, advice, canAsk: true });
  clearTimeout(pause);
  pause = window.setTimeout(() => void connect(), ms);
}

page.onAgain(() => {
  tries = 0;
  void connect();
});
page.name(access.session);
watchEscape();
void connect();
