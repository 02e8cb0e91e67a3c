import { errorText } from '../core/index.js';
import { type RunningProcess, isStopped } from '../processes/index.js';
import { rfbGreets } from './readiness.js';

/** What of a session can be looked at while it lives. */
export interface Visible {
  /** Its programs. */
  readonly parts: readonly RunningProcess[];
  /** Where its picture is served; undefined without one. */
  readonly rfb: { readonly host: string; readonly port: number } | undefined;
  /** Whether a window is to be seen; undefined where none has to be. */
  readonly showsWindow: ((signal: AbortSignal) => Promise<boolean>) | undefined;
}

/**
 * What is wrong with a session, in words; nothing when all is well. An RFB server that greets proves no browser: a window
 * is looked for too, and a program that was stopped is told of.
 */
export async function problemsOf({ parts, rfb, showsWindow }: Visible, signal: AbortSignal): Promise<string[]> {
  const [greets, shows] = await Promise.all([
    rfb ? rfbGreets(rfb.host, rfb.port, signal) : true,
    showsWindow ? showsWindow(signal).catch(errorText) : true,
  ]);
  return [
    ...parts.flatMap(({ name, pid, exitInfo }) =>
      exitInfo ? [`${name} has ended`] : isStopped(pid) ? [`${name} is stopped`] : [],
    ),
    ...(greets === true ? [] : [`RFB: ${greets}`]),
    ...(shows === true ? [] : [shows === false ? 'no window of the browser is to be seen' : `display: ${shows}`]),
  ];
}
