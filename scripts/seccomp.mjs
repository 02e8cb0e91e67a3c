/**
 * Writes templates/compose/chromium-seccomp.json: which system calls a runner's container may make.
 *
 * It starts from Docker's own default (scripts/seccomp/, default.json of the Go module github.com/moby/profiles/seccomp at
 * that version, Apache-2.0), leaves out what a runner has no use for, and adds what browsers need for their own sandboxes.
 * For a newer default: put the file there, name it below, run this, read the difference.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const DEFAULT = 'moby-profiles-0.3.0.json';
export const PROFILE = fileURLToPath(new URL('../templates/compose/chromium-seccomp.json', import.meta.url));

/** Machines that the image exists for; nothing in it runs in 32 bits. */
const MACHINES = ['SCMP_ARCH_X86_64', 'SCMP_ARCH_AARCH64'];
const ARCHES = ['amd64', 'arm64'];
const ALLOW = 'SCMP_ACT_ALLOW';
const NEW_MOUNTS = 0x0002_0000;
const NEW_CGROUP = 0x0200_0000;
const NEW_UTS = 0x0400_0000;
/** All but user, process, network and IPC namespaces. */
const UNUSED_NAMESPACES = NEW_MOUNTS | NEW_CGROUP | NEW_UTS;
const onlyUsed = [{ index: 0, value: UNUSED_NAMESPACES, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }];

/** The profile as text. */
export function profile() {
  const base = JSON.parse(readFileSync(join(fileURLToPath(new URL('seccomp/', import.meta.url)), DEFAULT), 'utf8'));
  const kept = base.syscalls.map(commented).filter((group) => group !== undefined);
  const archMap = base.archMap.filter(({ architecture }) => MACHINES.includes(architecture));
  const machines = archMap.map(({ architecture }) => ({ architecture, subArchitectures: [] }));
  return `${JSON.stringify({ ...base, archMap: machines, syscalls: [...kept, ...sockets(), ...sandbox()] }, null, 2)}\n`;
}

/** Calls that are decided on below, or not at all: modify_ldt is for 16 bits. */
const OURS = ['clone', 'clone3', 'socket', 'modify_ldt'];

/** A group of the default with the reason why it stays; undefined for what goes. */
function commented(group) {
  const { names, action, args, includes = {} } = group;
  const say = (comment) => ({ ...group, comment });
  const arches = includes.arches?.filter((arch) => ARCHES.includes(arch));
  if (includes.caps || arches?.length === 0 || OURS.includes(names[0])) return undefined;
  if (arches) return { ...say(`Docker's default: what every program on ${arches} needs.`), includes: { arches } };
  if (names.includes('ptrace'))
    return say(
      "Docker's default: crash reporters look at their own children; since Linux 4.8 no way around this profile.",
    );
  if (names[0] === 'personality')
    return say(`Docker's default: the execution domain ${args[0].value}, which changes no rights.`);
  if (action === ALLOW && !args)
    return say("Docker's default: files, memory, time, signals, threads and sockets of a process's own.");
  throw new Error(`a group of ${DEFAULT} is new, decide on it: ${JSON.stringify(group)}`);
}

function sockets() {
  const families = [
    [1, 'Unix sockets: X11, and browsers among their own processes'],
    [2, 'IPv4'],
    [10, 'IPv6'],
    [16, 'netlink: browsers watch for changes of the network'],
  ];
  return families.map(([value, what]) => ({
    names: ['socket'],
    action: ALLOW,
    args: [{ index: 0, value, op: 'SCMP_CMP_EQ' }],
    comment: `${what}. Docker's default allows 30 families more, which have no use here.`,
  }));
}

function sandbox() {
  return [
    {
      names: ['clone', 'unshare'],
      action: ALLOW,
      args: onlyUsed,
      comment:
        'Browsers put their renderers into user, process, network and IPC namespaces of their own. Mount, cgroup and UTS namespaces stay forbidden.',
    },
    {
      names: ['clone3'],
      action: 'SCMP_ACT_ERRNO',
      errnoRet: 38,
      comment:
        "Docker's default: its flags lie in memory, where no filter sees them. Told that there is no clone3, libraries take clone.",
    },
    {
      names: ['chroot'],
      action: ALLOW,
      comment:
        'A renderer gives up all files: it moves into an empty folder of /proc. Possible only inside a user namespace: the container itself has no CAP_SYS_CHROOT.',
    },
  ];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(PROFILE, profile());
