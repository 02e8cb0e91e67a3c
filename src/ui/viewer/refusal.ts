/** Why a socket did not open, as far as the gateway's answer to a plain request tells. */
export type Refusal =
  /** The gateway would let it in: what failed lies behind the gateway, or between it and this page. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'unreachable' }
  | { readonly kind: 'refused'; readonly status: number; readonly title: string; readonly detail: string };

/** A browser cannot see with which status a socket was refused; the gateway says it to a plain request. */
export async function askWhy(url: string): Promise<Refusal> {
  try {
    const response = await fetch(url, { cache: 'no-store' });
    if (response.ok) return { kind: 'ready' };
    const { title, detail } = (await response.json()) as { title?: string; detail?: string };
    return {
      kind: 'refused',
      status: response.status,
      title: title ?? `Refused (${response.status})`,
      detail: detail ?? '',
    };
  } catch {
    return { kind: 'unreachable' }; // no answer, or one that is not the gateway's
  }
}

/** What a refusal means in words, and whether asking again can help. */
export function wordsOf(refusal: Refusal): { headline: string; advice: string; again: boolean; code: string } {
  switch (refusal.kind) {
    case 'ready':
      return {
        headline: 'The screen does not answer',
        advice: 'The gateway is there and the link is good, but the screen behind it did not open. Trying again.',
        again: true,
        code: '1006',
      };
    case 'unreachable':
      return {
        headline: 'No connection',
        advice: 'The gateway does not answer. Check your network. Trying again.',
        again: true,
        code: '1006',
      };
    case 'refused': {
      const words = HEADLINES[refusal.status];
      const again = refusal.status >= 500 || refusal.status === 429;
      return {
        headline: words?.headline ?? refusal.title,
        advice: `${sentence(refusal.detail)} ${again ? 'Trying again.' : (words?.advice ?? 'Tell your operator.')}`,
        again,
        code: String(refusal.status),
      };
    }
  }
}

const NEW_LINK = 'Open the session anew from the fleet page, or ask for a new link.';
const HEADLINES: Readonly<Record<number, { readonly headline: string; readonly advice: string }>> = {
  400: { headline: 'This link is not complete', advice: NEW_LINK },
  401: { headline: 'This link is not valid', advice: NEW_LINK },
  403: { headline: 'You may not open this session', advice: 'Ask whoever shared it with you.' },
  404: { headline: 'There is no such session', advice: NEW_LINK },
  410: { headline: 'The session has ended', advice: 'Start a new one from the fleet page.' },
  429: { headline: 'Too many attempts', advice: '' },
  503: { headline: 'The gateway takes no one in right now', advice: '' },
};

/** With a capital and a full stop. */
function sentence(text: string): string {
  return text === '' ? '' : `${text[0]!.toUpperCase()}${text.slice(1)}.`;
}
