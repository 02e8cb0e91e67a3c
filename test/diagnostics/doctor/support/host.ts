import type { HostIo, Ran, Room } from '../../../../src/diagnostics/doctor/host-io.ts';

export interface FakeHost {
  readonly files?: Readonly<Record<string, string>>;
  readonly rooms?: Readonly<Record<string, Room>>;
  /** What a program prints, by its command line; a program that is in none is not on PATH. */
  readonly programs?: Readonly<Record<string, Partial<Ran>>>;
  readonly addresses?: readonly string[] | Error;
  readonly own?: readonly string[];
  readonly taken?: readonly string[];
  readonly platform?: string;
}

/** A host that is described. */
export function hostOf(host: FakeHost): HostIo {
  const lines = Object.keys(host.programs ?? {});
  return {
    platform: host.platform ?? 'linux',
    text: async (file) => host.files?.[file],
    room: async (path) => host.rooms?.[path],
    program: (name) => (lines.some((line) => line.split(' ')[0] === name) ? name : undefined),
    run: async (file, args) => {
      const ran = host.programs?.[[file, ...args].join(' ')];
      return ran && { code: 0, stdout: '', stderr: '', ...ran };
    },
    addresses: async () => {
      if (host.addresses instanceof Error) throw host.addresses;
      return host.addresses ?? ['127.0.0.1'];
    },
    ownAddresses: () => host.own ?? ['127.0.0.1', '::1'],
    bindProblem: async (setting, _host, port) =>
      host.taken?.includes(setting) ? `port ${port} is held by process 7 (nginx); setting: ${setting}` : undefined,
    now: () => Date.parse('2026-11-23T12:00:00Z'),
  };
}
