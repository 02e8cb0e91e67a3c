import { findProgram } from '../processes/index.js';
import type { BrowserSetting } from '../settings/index.js';
import type { Installed } from './plan.js';

/** What this host has of what a real display needs. */
export interface Programs {
  readonly installed: Installed;
  /** Undefined where Xvfb or x11vnc is missing. */
  readonly display:
    | { readonly programs: { readonly xvfb: string; readonly x11vnc: string }; readonly setpriv: string | undefined }
    | undefined;
  /** Names of what is missing. */
  readonly missing: readonly string[];
}

/** Looks for Xvfb, x11vnc, setpriv and the configured browsers on a PATH. */
export function findPrograms(configured: ReadonlyMap<string, BrowserSetting>, path: string): Programs {
  const [xvfb, x11vnc] = [findProgram('Xvfb', path), findProgram('x11vnc', path)];
  const browsers = new Map<string, BrowserSetting>();
  for (const [name, { command, playwright }] of configured) {
    const [program, ...args] = command;
    const file = findProgram(program!, path);
    if (file) browsers.set(name, { command: [file, ...args], playwright });
  }
  const absent = [...configured.keys()].filter((name) => !browsers.has(name));
  return {
    installed: { displays: xvfb !== undefined && x11vnc !== undefined, browsers },
    display: xvfb && x11vnc ? { programs: { xvfb, x11vnc }, setpriv: findProgram('setpriv', path) } : undefined,
    missing: [...(xvfb ? [] : ['Xvfb']), ...(x11vnc ? [] : ['x11vnc']), ...absent],
  };
}
