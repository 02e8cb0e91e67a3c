import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..');

interface Group {
  readonly names: readonly string[];
  readonly action: string;
  readonly args?: readonly {
    readonly index: number;
    readonly value: number;
    readonly valueTwo?: number;
    readonly op: string;
  }[];
  readonly includes?: { readonly caps?: readonly string[] };
  readonly comment?: string;
}

const text = readFileSync(join(ROOT, 'templates', 'compose', 'chromium-seccomp.json'), 'utf8');
const profile = JSON.parse(text) as { readonly defaultAction: string; readonly syscalls: readonly Group[] };
const allowed = (name: string): readonly Group[] =>
  profile.syscalls.filter(({ names, action }) => names.includes(name) && action === 'SCMP_ACT_ALLOW');

/** Whether a flag is let through by one of the groups. */
function passes(name: string, flag: number): boolean {
  return allowed(name).some(({ args = [] }) =>
    args.every(({ value, valueTwo = 0, op }) => op === 'SCMP_CMP_MASKED_EQ' && (flag & value) === valueTwo),
  );
}

describe('the profile of a runner', () => {
  test('is what the script makes of the default', async () => {
    const script = `import { profile } from ${JSON.stringify(join(ROOT, 'scripts', 'seccomp.mjs'))}; process.stdout.write(profile());`;
    const { stdout } = await execa(process.execPath, ['--input-type=module', '--eval', script], {
      stripFinalNewline: false,
    });
    expect(stdout).toBe(text);
  });

  test('refuses what it does not name, and says of every group why it is there', () => {
    expect(profile.defaultAction).toBe('SCMP_ACT_ERRNO');
    expect(profile.syscalls.filter(({ comment = '' }) => comment.length < 20)).toEqual([]);
  });

  test.each([
    ['user', 0x1000_0000, true],
    ['process', 0x2000_0000, true],
    ['network', 0x4000_0000, true],
    ['IPC', 0x0800_0000, true],
    ['mount', 0x0002_0000, false],
    ['cgroup', 0x0200_0000, false],
    ['UTS', 0x0400_0000, false],
    ['user and mount', 0x1002_0000, false],
  ])('lets clone and unshare make %s namespaces: %j %s', (_what, flag, may) => {
    expect({ clone: passes('clone', flag), unshare: passes('unshare', flag) }).toEqual({ clone: may, unshare: may });
  });

  test.each([
    'mount',
    'umount2',
    'setns',
    'bpf',
    'perf_event_open',
    'io_uring_setup',
    'keyctl',
    'init_module',
    'reboot',
  ])('has no %s, and nothing that hangs on a capability', (name) => {
    expect(allowed(name)).toEqual([]);
    expect(profile.syscalls.filter(({ includes }) => includes?.caps)).toEqual([]);
  });
});
