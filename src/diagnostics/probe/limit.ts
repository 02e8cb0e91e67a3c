/** Acts once when the signal aborts, at once when it has already; what is returned takes the listener back. */
export function whenAborted(signal: AbortSignal, act: () => void): () => void {
  if (signal.aborted) act();
  else signal.addEventListener('abort', act, { once: true });
  return () => signal.removeEventListener('abort', act);
}

/** In words: the time of the dial ran out, or somebody stopped it. */
export function whyAborted(signal: AbortSignal, what: string): string {
  const isTimeout = signal.reason instanceof DOMException && signal.reason.name === 'TimeoutError';
  return `${isTimeout ? 'waited in vain' : 'interrupted while waiting'} for ${what}`;
}
