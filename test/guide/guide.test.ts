import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ENDS } from '../../src/gateway/ends.ts';
import { REFUSALS } from '../../src/gateway/refusals.ts';
import {
  CLOSE_CODES,
  GUIDE_FOLDER,
  MARKED_FILE,
  composeSubject,
  guideEngineOf,
  guideSubject,
  localSubject,
  renderGuide,
} from '../../src/guide/index.ts';
import { SERVICES } from '../../src/settings/index.ts';
import { fleetPaths } from '../../src/topology/index.ts';
import { EXAMPLES, PACKAGE_ROOT, packageTemplates, topologyOf } from '../topology/support/topology.ts';
import { blocksOf } from './support/blocks.ts';

const TEMPLATES = await packageTemplates();
const PATHS = fleetPaths('/srv/fleet');
const PAGES = ['README.md', 'flow.mmd', 'routes.csv', 'reverse-proxy.md', 'env.md'];

function guide(yaml: string, isProject = false): ReadonlyMap<string, string> {
  const files = renderGuide(composeSubject(topologyOf(yaml), TEMPLATES, isProject));
  return new Map(files.map(({ path, text }) => [path.slice(GUIDE_FOLDER.length + 1), text]));
}

function localGuide(yaml: string): ReadonlyMap<string, string> {
  const files = renderGuide(localSubject(topologyOf(yaml), TEMPLATES, PATHS));
  return new Map(files.map(({ path, text }) => [path.slice(GUIDE_FOLDER.length + 1), text]));
}

describe('the guide', () => {
  test.each(Object.keys(EXAMPLES))('of %s has its pages, the same every time, with no hole', (example) => {
    const pages = guide(EXAMPLES[example]!);
    expect([...pages.keys()]).toEqual(PAGES);
    expect(guide(EXAMPLES[example]!)).toEqual(pages);
    for (const [name, text] of [...pages, ...localGuide(EXAMPLES[example]!)]) {
      expect(text, name).not.toMatch(/undefined|NaN|\[object|: ""$/m);
      expect(text.endsWith('\n') && !text.endsWith('\n\n'), name).toBe(true);
    }
  });

  test('says of itself that it is rendered, and for which engine', () => {
    for (const text of guide('').values())
      expect(text.startsWith('host,') || text.includes('Rendered from camofleet.yaml')).toBe(true);
    expect(guideEngineOf(guide('').get('flow.mmd'))).toBe('compose');
    expect(guideEngineOf(localGuide('').get('flow.mmd'))).toBe('local');
    expect([undefined, '', 'sequenceDiagram\n'].map(guideEngineOf)).toEqual([undefined, undefined, undefined]);
    expect(MARKED_FILE).toBe('docs/novnc/flow.mmd');
  });

  test('is about the engine that it is asked for, and about none whose places it cannot know', () => {
    const topology = topologyOf('');
    expect(guideSubject('local', topology, TEMPLATES, PATHS)?.placement.dial.gateway).toBe('127.0.0.1');
    expect(guideSubject('compose', topology, TEMPLATES, PATHS)?.placement.dial.gateway).toBe('gateway');
    expect(guideSubject('swarm', topology, TEMPLATES, PATHS)?.engine).toBe('swarm');
    expect(guideSubject('kubernetes', topology, TEMPLATES, PATHS)).toBeUndefined();
  });

  test('of a fleet has no page, and no link, that only the repository has', () => {
    const links = [...guide('').values()].flatMap((text) =>
      [...text.matchAll(/\]\(([^)#]+)/g)].map(([, link]) => link!),
    );
    expect(links.filter((link) => !PAGES.includes(link))).toEqual([]);
    expect(guide('', true).get('README.md')).toContain('](code-snippets.md)');
  });
});

describe('a changed topology changes', () => {
  const YAML = `
public: { host: fleet.example.com, port: 444 }
gateway: { port: 7900, pingIntervalMs: 7000, readTimeoutMs: 25000, connectTimeoutMs: 1500 }
runner: { port: 7070, rfbPorts: { min: 6000, max: 6009 }, idleTtlSeconds: 90 }
control: { port: 7000, tokenTtlSeconds: 60 }
`;

  test.each<[string, readonly string[]]>([
    [
      'README.md',
      ['wss://fleet.example.com:444/', ':7900', '6000-6009', 'every 7 s, 25 s of patience', '(1.5 s)', '90 s', '60 s'],
    ],
    ['flow.mmd', [':444', ':7900', ':7000', ':7070', ':6000-6009', 'within 1.5 s', 'every 7 s']],
    ['routes.csv', ['fleet.example.com:444', ',7900,', ',7000,', ',7070,', ',6000-6009,', 'ping 7 s']],
    [
      'reverse-proxy.md',
      ['listen 444 ssl', 'bind *:444 ssl', 'https://fleet.example.com:444 {', '//gateway:7900', 'control:7000'],
    ],
    ['env.md', ['WS_PING_INTERVAL_MS=7000', 'RUNNER_VNC_PORT_MIN=6000', '| `gateway.port` | `6900` | `7900` |']],
  ])('%s', (name, expected) => {
    const text = guide(YAML).get(name)!;
    expect(expected.filter((part) => !text.includes(part))).toEqual([]);
    const isOld = name !== 'env.md' && /\b6900\b/.test(text); // env.md tells defaults as well
    expect(isOld).toBe(false);
  });

  test('what is said of pings, where there are none', () => {
    const pages = guide('gateway: { pingIntervalMs: 0 }');
    expect(pages.get('README.md')).toContain('| 5 min | any byte, either way (pings are off) | `idle`, 4408 |');
    expect(pages.get('flow.mmd')).toContain('pings are off');
    expect(pages.get('routes.csv')).toContain('open: no pings, idle 5 min');
  });

  test('no name of a configuration that readers, and tests, cut out', () => {
    for (const yaml of Object.values(EXAMPLES))
      expect([...blocksOf(guide(yaml).get('reverse-proxy.md')!).keys()]).toEqual([
        ...['traefik.yaml', 'dynamic/camofleet.yaml', 'camofleet.conf', 'haproxy.pem', 'haproxy.cfg', 'Caddyfile'],
      ]);
  });

  test('where a certificate comes from', () => {
    const caddy = (yaml: string): string => blocksOf(guide(yaml).get('reverse-proxy.md')!).get('Caddyfile')!;
    expect(caddy(EXAMPLES['files']!)).toContain('tls /run/secrets/tls-certificate /run/secrets/tls-key');
    expect(caddy(EXAMPLES['acme']!)).toContain('  tls ops@example.com\n');
    expect(guide('').get('README.md')).toContain('--cacert .camofleet/pki/ca.pem');
    expect(guide(EXAMPLES['acme']!).get('README.md')).not.toContain('--cacert');
  });
});

describe('what the guide says of the code', () => {
  test('is every close code of the gateway, with its cause', () => {
    const codes = Object.entries(ENDS).flatMap(([cause, { code }]) => (code === null ? [] : [`${code} ${cause}`]));
    expect(CLOSE_CODES.map(([code, cause]) => `${code} ${cause}`)).toEqual(codes.toSorted());
  });

  test('is every status that the gateway refuses an upgrade with', () => {
    const readme = guide('').get('README.md')!;
    // 405 and 413 are of plain requests, 499 is nobody's to hear, 500 is a bug.
    const statuses = new Set(Object.values(REFUSALS).map(({ status }) => status)).difference(
      new Set([405, 413, 499, 500]),
    );
    for (const status of statuses) expect(readme).toContain(`\n| ${status} | `);
  });

  test.each(Object.values(SERVICES).map(({ service, fields }) => [service, fields] as const))(
    'is every setting of the %s, with its default and its form',
    (_service, fields) => {
      const page = guide('').get('env.md')!;
      for (const { env, kind, doc } of Object.values(fields)) {
        const row = page.split('\n').find((line) => line.startsWith(`| \`${env}\` |`));
        expect(row, env).toContain(`| ${kind.replaceAll('|', '\\|')} |`);
        expect(row).toContain(doc.replaceAll('|', '\\|'));
      }
    },
  );

  test('has a page for each code that it sends people to', () => {
    const named = [...guide('', true).values()].flatMap((text) =>
      [...text.matchAll(/\bCF-[A-Z0-9-]+/g)].map(([code]) => code),
    );
    expect(named.length).toBeGreaterThan(10);
    for (const code of new Set(named)) readFileSync(join(PACKAGE_ROOT, 'docs', 'codes', `${code}.md`));
  });
});
