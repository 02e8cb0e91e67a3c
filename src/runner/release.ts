import { errorText } from '../core/index.js';
import { leftBehind } from './events.js';
import type { Session } from './session.js';

/** Releases what a session owns; what cannot be released is told, each by itself. */
export async function release(session: Session): Promise<void> {
  try {
    await session[Symbol.asyncDispose]();
  } catch (error) {
    for (const message of allMessages(error)) leftBehind.publish({ session: session.id, message });
  }
}

function allMessages(error: unknown): string[] {
  if (error instanceof SuppressedError) return [...allMessages(error.suppressed), ...allMessages(error.error)];
  return [errorText(error)];
}
