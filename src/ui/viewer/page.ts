/** The elements of the page, and what they can say. The state stands in the document for style sheets and tests. */
export type PageState = 'connecting' | 'connected' | 'ended';

export interface Page {
  readonly screen: HTMLElement;
  /** `code`: the close code or refusal that led here; undefined takes it away. */
  show(state: PageState, status: string, code?: string): void;
  /** A message over the screen, or none; `canAsk` offers to connect again. */
  tell(message: { headline: string; advice: string; canAsk: boolean } | undefined): void;
  name(name: string): void;
  /** Whether the note about viewing only is shown. */
  viewOnly(on: boolean): void;
  onAgain(listener: () => void): void;
}

export function openPage(): Page {
  const root = document.documentElement;
  const again = byId('again');
  const fullscreen = byId('fullscreen');
  fullscreen.addEventListener('click', () => {
    const turned = document.fullscreenElement ? document.exitFullscreen() : root.requestFullscreen();
    turned.catch(() => fullscreen.setAttribute('hidden', '')); // a frame that may not: the button goes
  });
  document.addEventListener('fullscreenchange', () => {
    fullscreen.textContent = document.fullscreenElement ? 'Leave full screen' : 'Full screen';
  });
  return {
    screen: byId('screen'),
    show: (state, status, code) => {
      root.dataset['state'] = state;
      if (code === undefined) delete root.dataset['code'];
      else root.dataset['code'] = code;
      byId('status').textContent = status;
    },
    tell: (message) => {
      byId('message').hidden = message === undefined;
      again.hidden = !message?.canAsk;
      byId('headline').textContent = message?.headline ?? '';
      byId('advice').textContent = message?.advice ?? '';
    },
    name: (name) => {
      byId('name').textContent = name;
      document.title = `${name} · camofleet`;
    },
    viewOnly: (on) => {
      byId('rights').hidden = !on;
    },
    onAgain: (listener) => again.addEventListener('click', listener),
  };
}

/**
 * A remote screen takes every key, also Tab. Ctrl+Alt+Esc takes the keyboard back to the bar, once the keys are up again:
 * keys that go up elsewhere would stay down over there.
 */
export function watchEscape(): void {
  let asked = false;
  addEventListener(
    'keydown',
    (event) => {
      if (event.key !== 'Escape' || !event.ctrlKey || !event.altKey) return;
      event.preventDefault();
      event.stopPropagation();
      asked = true;
    },
    { capture: true },
  );
  addEventListener(
    'keyup',
    (event) => {
      if (!asked || event.ctrlKey || event.altKey) return;
      asked = false;
      setTimeout(() => byId('fullscreen').focus());
    },
    { capture: true },
  );
}

function byId(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return element;
}
