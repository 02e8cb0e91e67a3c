import type { PublicSession, Worker } from '../../api/index.js';
import { type FleetApi, Unauthorised, openApi, useKey } from './api.js';

const REFRESH_MS = 3_000;

function byId(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return element;
}

function element(name: string, text: string, className = ''): HTMLElement {
  const made = document.createElement(name);
  made.textContent = text;
  made.className = className;
  return made;
}

function notice(text: string): void {
  byId('notice').textContent = text;
  byId('notice').hidden = text === '';
}

function age(iso: string): string {
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(iso)) / 1000));
  if (seconds < 60) return `${seconds} s ago`;
  return seconds < 3600 ? `${Math.floor(seconds / 60)} min ago` : `${Math.floor(seconds / 3600)} h ago`;
}

function showWorkers(workers: readonly Worker[]): void {
  byId('workers').replaceChildren(
    ...workers.map(({ name, reachable, sessions, capacity, error }) => {
      const load = sessions === null ? '' : ` ${sessions} of ${capacity}`;
      const state =
        reachable === null ? 'not asked yet' : reachable ? `${load.trim()} in use` : (error ?? 'unreachable');
      return element('span', `${name}: ${state}`, reachable === false ? 'bad' : '');
    }),
  );
  const select = byId('browser') as HTMLSelectElement;
  const names = [...new Set(workers.flatMap(({ browsers }) => browsers))];
  if (names.join() === [...select.options].map(({ value }) => value).join()) return;
  const chosen = select.value;
  select.replaceChildren(...names.map((name) => new Option(NAMES[name] ?? name, name)));
  if (names.includes(chosen)) select.value = chosen;
}

/** Names that are no browser's, in words. */
const NAMES: Readonly<Record<string, string>> = {
  testcard: 'Test card, moving',
  'testcard-still': 'Test card, still',
  none: 'Empty screen',
};

function row(session: PublicSession, api: FleetApi): HTMLTableRowElement {
  const made = document.createElement('tr');
  made.dataset['id'] = session.id;
  const cells = [
    element('span', session.id, 'id'),
    element('span', NAMES[session.browser] ?? session.browser),
    element('span', session.worker),
    element('span', session.status, session.status === 'ready' ? 'ready' : 'bad'),
    element('span', String(session.viewers ?? 0)),
    element('span', age(session.created_at)),
    element(
      'span',
      Object.entries(session.labels)
        .map(([key, value]) => `${key}=${value}`)
        .join(' '),
      'labels',
    ),
  ];
  made.append(...cells.map((cell) => wrap(cell)), wrap(...actions(session, api)));
  return made;
}

function wrap(...children: readonly Node[]): HTMLTableCellElement {
  const cell = document.createElement('td');
  cell.append(...children);
  return cell;
}

function actions(session: PublicSession, api: FleetApi): Node[] {
  const end = element('button', 'End');
  end.setAttribute('aria-label', `End session ${session.id}`);
  end.addEventListener(
    'click',
    () =>
      void attempt(async () => {
        await api.end(session);
        await refresh(api);
      }),
  );
  if (!session.vnc) return [element('span', 'no picture', 'labels'), end];
  const open = element('a', 'Watch', 'open') as HTMLAnchorElement;
  open.href = session.vnc.http;
  open.target = '_blank';
  open.rel = 'noopener noreferrer';
  return [open, end];
}

async function refresh(api: FleetApi): Promise<void> {
  const [workers, sessions] = await Promise.all([api.workers(), api.sessions()]);
  showWorkers(workers);
  const active = document.activeElement?.closest('tr')?.dataset['id'];
  byId('sessions').replaceChildren(...sessions.map((session) => row(session, api)));
  if (active !== undefined)
    document.querySelector<HTMLElement>(`tr[data-id="${active}"] a, tr[data-id="${active}"] button`)?.focus();
  byId('empty').hidden = sessions.length > 0;
  byId('key-form').hidden = true;
  notice('');
}

async function attempt(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    byId('key-form').hidden = !(error instanceof Unauthorised);
    notice(error instanceof TypeError ? 'The control plane does not answer. Trying again.' : (error as Error).message);
  }
}

async function run(): Promise<void> {
  const api = await openApi();
  byId('version').textContent = `camofleet ${api.version}`;
  byId('key-form').addEventListener('submit', (event) => {
    event.preventDefault();
    useKey((byId('key') as HTMLInputElement).value);
    void attempt(() => refresh(api));
  });
  byId('launch').addEventListener('submit', (event) => {
    event.preventDefault();
    void attempt(async () => {
      await api.start(
        (byId('browser') as HTMLSelectElement).value,
        (byId('start-url') as HTMLInputElement).value.trim(),
      );
      await refresh(api);
    });
  });
  for (;;) {
    if (!document.hidden) await attempt(() => refresh(api));
    await new Promise((resolve) => setTimeout(resolve, REFRESH_MS));
  }
}

void attempt(run);
