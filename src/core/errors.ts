import type { ExitCode } from './exit.js';

/** Every failure that a person can act on: what the process exits with, and the next thing to do. */
export const ERRORS = {
  CF_CONFIG_INVALID: { exit: 2, hint: 'Run `camofleet config explain` for names, types and defaults.' },
  CF_TOPOLOGY_INVALID: { exit: 2, hint: 'Mend the lines named above in camofleet.yaml, then run the command again.' },
  CF_TOPOLOGY_MISSING: { exit: 2, hint: 'Run `camofleet init` in an empty folder, or name the file with --topology.' },
  CF_FILE_EXISTS: { exit: 2, hint: 'Nothing was changed. Add --force to overwrite, or choose an empty folder.' },
  CF_USAGE: { exit: 2, hint: 'Add --help to see what the command takes.' },
  CF_PORT_TAKEN: { exit: 3, hint: 'Free the port, or change the setting that is named above.' },
  CF_SERVICE_EXITED: { exit: 3, hint: 'Its last lines are shown above; the whole log is in the file that is named.' },
  CF_SERVICE_NOT_READY: { exit: 3, hint: 'It runs but does not answer. Look at its log with `camofleet logs`.' },
  CF_FLEET_RUNNING: { exit: 3, hint: 'Run `camofleet status` to look at it, or `camofleet down` to stop it.' },
  CF_INTERRUPTED: { exit: 130, hint: 'Run the command again when it shall go on.' },
  CF_FLEET_NOT_RUNNING: { exit: 3, hint: 'Start it with `camofleet up`.' },
  CF_NO_FRAME: { exit: 1, hint: 'Run `camofleet verify` for the hop that prevented it and the evidence.' },
  CF_COMPONENT_MISSING: {
    exit: 3,
    hint: 'Install the program that is named, or choose a session kind that needs none.',
  },
  CF_DOCKER_UNREACHABLE: {
    exit: 3,
    hint: 'Start Docker, or join the group that may use it: `sudo usermod -aG docker $USER`, then log in again.',
  },
  CF_COMPOSE_MISSING: { exit: 3, hint: 'Install Docker Compose: its package is docker-compose-plugin.' },
  CF_IMAGE_MISSING: { exit: 3, hint: 'Build the images: `camofleet images build`.' },
  CF_SWARM_INACTIVE: {
    exit: 3,
    hint: 'Run `docker swarm init --advertise-addr ADDRESS` here, or run this on a manager of the swarm.',
  },
  CF_DOCKER_FAILED: { exit: 3, hint: 'Mend what Docker names above, then run the command again.' },
  CF_SLOTS_EXHAUSTED: { exit: 3, hint: 'End a session, or widen the ranges under `runner` in camofleet.yaml.' },
  CF_STOPPING: { exit: 3, hint: 'It takes no new sessions. Ask again when it is back.' },
  CF_REFUSED: { exit: 4, hint: 'Check the operator key: it lies in .camofleet/secrets/operator.key.' },
  CF_UNREACHABLE: { exit: 3, hint: 'Nothing answered there. Run `camofleet status` to see what runs.' },
  CF_KEYS_INVALID: {
    exit: 2,
    hint: 'Write the key file anew: `camofleet init --force`, or restore it from your backup.',
  },
  CF_MEMORY_INVALID: {
    exit: 2,
    hint: 'Restore it: `camofleet restore`. Without a backup: `camofleet keys rotate --drop`, then remove the file: no old token opens any more.',
  },
  CF_MEMORY_FULL: {
    exit: 3,
    hint: 'End sessions whose rights were revoked: with a session what it is about is forgotten.',
  },
  CF_PKI_FAILED: { exit: 3, hint: 'Remove the folder .camofleet/pki to have certificates made anew.' },
  CF_TOPOLOGY_RULE: { exit: 1, hint: 'Set what is named above in camofleet.yaml, then run `camofleet render`.' },
  CF_TEMPLATE_INVALID: {
    exit: 2,
    hint: 'Mend the template that is named, or remove it: then the one of the package is used.',
  },
  CF_FILES: { exit: 3, hint: 'Look at the owner, the mode and the free space of what is named above.' },
  CF_UPGRADE: { exit: 3, hint: 'What runs is shown by `camofleet status`, and why by `camofleet logs supervisor`.' },
  CF_BACKUP_INVALID: {
    exit: 2,
    hint: 'Take another backup, or the same one with the camofleet that wrote it. Nothing was changed.',
  },
  CF_RENDER_DIFFERS: { exit: 1, hint: 'Run `camofleet render` to write the files from the topology.' },
  CF_IMAGE_BUILD: {
    exit: 3,
    hint: 'The builder has said why, above; docs/containers.md tells of proxies and authorities.',
  },
  CF_PCAP: { exit: 3, hint: 'The capture could not be read to its end; what came before is used.' },
  CF_UNKNOWN_CODE: { exit: 2, hint: 'Run `camofleet explain` without a code for the list.' },
} as const satisfies Record<string, { exit: ExitCode; hint: string }>;

export type ErrorCode = keyof typeof ERRORS;

export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERRORS, code);
}

type Facts = Readonly<Record<string, string | number | boolean | readonly string[]>>;

/** A failure that we expect and can explain. Anything else that is thrown is a bug in camofleet. */
export class CamofleetError extends Error {
  override readonly name = 'CamofleetError';

  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly facts: Facts = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
  }

  get hint(): string {
    return ERRORS[this.code].hint;
  }

  get exit(): ExitCode {
    return ERRORS[this.code].exit;
  }
}

/** One line for a log: the system's code when it has one (`ECONNREFUSED`), and the message. */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  if (error instanceof AggregateError && error.errors.length > 0) return errorText(error.errors[0]);
  return code && !error.message.includes(code) ? `${code}: ${error.message}` : error.message || error.name;
}
