import { BROWSER_NAME } from './forms.js';

/** A browser as it is configured: a program, and whether that is a Playwright server. */
export interface BrowserSetting {
  readonly command: readonly string[];
  readonly playwright: boolean;
}

/** Reads `CAMOFLEET_RUNNER_BROWSERS`; throws an Error that says what was wanted. */
export function parseBrowsers(value: unknown): ReadonlyMap<string, BrowserSetting> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error('an object of name to {command: [argv]}');
  return new Map(Object.entries(value).map(([name, entry]: [string, unknown]) => [name, parseBrowser(name, entry)]));
}

function parseBrowser(name: string, entry: unknown): BrowserSetting {
  if (!BROWSER_NAME.test(name))
    throw new Error(`browser names of ${BROWSER_NAME.want}; ${JSON.stringify(name)} is none`);
  const record: Readonly<Record<string, unknown>> = typeof entry === 'object' && entry !== null ? { ...entry } : {};
  const { command, playwright = false, ...rest } = record;
  const isArgv = Array.isArray(command) && command.length > 0 && command.every((part) => typeof part === 'string');
  if (!isArgv || typeof playwright !== 'boolean' || Object.keys(rest).length > 0)
    throw new Error(`{command: [argv], playwright: true or false} for browser ${JSON.stringify(name)}`);
  return { command, playwright };
}
