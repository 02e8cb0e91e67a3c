import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { isMap, isScalar, parseDocument, visit } from 'yaml';
import { TEMPLATE_FILES, loadTemplates } from '../../src/topology/index.ts';
import { SERVICE_HOSTS } from '../../src/topology/model.ts';
import { PACKAGE_ROOT } from './support/topology.ts';

/** The profile of system calls is taken as it is. */
const FILES = Object.values(TEMPLATE_FILES).filter((file) => file.endsWith('.yaml'));
const textOf = (file: string): string => readFileSync(join(PACKAGE_ROOT, 'templates', file), 'utf8');

/** Every scalar of a template with its key, where it has one. */
function scalars(file: string): { key: string; text: string }[] {
  const found: { key: string; text: string }[] = [];
  visit(parseDocument(textOf(file)), {
    Scalar: (where, node, path) => {
      if (where === 'key') return;
      const pair = path.findLast((ancestor) => 'key' in ancestor && isScalar(ancestor.key));
      found.push({ key: pair && 'key' in pair ? String(pair.key) : '', text: String(node.value) });
    },
  });
  return found;
}

/** What belongs to the topology: ports, addresses, names with a dot, URLs, durations. Sizes are none of these. */
const LITERALS: readonly (readonly [string, RegExp])[] = [
  ['a port', /(^|[^\w.])\d{2,5}($|[^\w.])/],
  ['an address', /\b\d{1,3}(\.\d{1,3}){3}\b|::/],
  ['a URL', /:\/\//],
  ['a host name', /\b[a-z0-9-]+\.(com|org|net|local|internal|example)\b|\blocalhost\b/i],
  ['a duration', /^\d+(\.\d+)?(ms|s|m|h)$/],
];
/** Sizes of files and counts of files, which have no place in a topology. */
const SIZES = new Set(['max-size', 'max-file', 'shm_size']);

describe.each(FILES)('the template %s', (file) => {
  test.each(LITERALS)('holds %s nowhere', (_what, pattern) => {
    expect(scalars(file).filter(({ key, text }) => !SIZES.has(key) && pattern.test(text))).toEqual([]);
  });

  test('is valid YAML and commented', () => {
    const document = parseDocument(textOf(file));
    expect([...document.errors, ...document.warnings]).toEqual([]);
    expect(textOf(file).match(/^\s*# /gm)?.length).toBeGreaterThanOrEqual(5);
  });
});

test('the services of the Compose template are those that others dial', () => {
  const services: unknown = parseDocument(textOf(TEMPLATE_FILES.compose)).get('services');
  expect(isMap(services) && services.items.map(({ key }) => String(key)).toSorted()).toEqual(
    Object.values(SERVICE_HOSTS).toSorted(),
  );
});

describe('templates', () => {
  const dir = mkdtempSync(join(tmpdir(), 'camofleet-templates-'));
  afterAll(() => rmSync(dir, { recursive: true }));

  test('come from the package where none was ejected', async () => {
    const templates = await loadTemplates(PACKAGE_ROOT, join(dir, 'none'));
    expect(templates.compose).toEqual({ file: join(PACKAGE_ROOT, 'templates', FILES[0]!), text: textOf(FILES[0]!) });
  });

  test('that were ejected win, one by one', async () => {
    mkdirSync(join(dir, 'one', 'traefik'), { recursive: true });
    writeFileSync(join(dir, 'one', TEMPLATE_FILES.dynamic), '# mine\n');
    const templates = await loadTemplates(PACKAGE_ROOT, join(dir, 'one'));
    expect(templates.dynamic).toEqual({ file: join(dir, 'one', TEMPLATE_FILES.dynamic), text: '# mine\n' });
    expect(templates.traefik.text).toBe(textOf(TEMPLATE_FILES.traefik));
  });

  test('that cannot be read are an error, never a reason to take another', async () => {
    mkdirSync(join(dir, 'two', TEMPLATE_FILES.compose), { recursive: true });
    await expect(loadTemplates(PACKAGE_ROOT, join(dir, 'two'))).rejects.toMatchObject({
      code: 'CF_FILES',
      message: expect.stringContaining(`${join(dir, 'two', TEMPLATE_FILES.compose)} cannot be read: EISDIR`) as string,
    });
  });

  test('that are missing from the installation are an error that says so', async () => {
    await expect(loadTemplates(dir, join(dir, 'none'))).rejects.toThrow(
      'is missing from this installation of camofleet',
    );
  });

  test('in the place of which a file stands are looked for in the package', async () => {
    writeFileSync(join(dir, 'file'), '');
    chmodSync(join(dir, 'file'), 0o600);
    expect((await loadTemplates(PACKAGE_ROOT, join(dir, 'file'))).compose.text).toBe(textOf(TEMPLATE_FILES.compose));
  });
});
