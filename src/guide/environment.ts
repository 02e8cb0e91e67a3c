import { SERVICES, type ServiceName } from '../settings/index.js';
import { explainTopology, serviceEnvironment } from '../topology/index.js';
import type { GuideSubject } from './subject.js';
import { blockOf, tableOf } from './words.js';

const ABOUT: Readonly<Record<ServiceName, string>> = {
  gateway: 'WebSocket on one side, RFB on the other.',
  runner: 'Displays, x11vnc, browsers: the sessions.',
  control: 'The API, the fleet page, and who may see what.',
};

/** env.md: every setting of every service, what the engine sets of it, and every key of camofleet.yaml. */
export function environmentPage(subject: GuideSubject): string {
  const names = Object.keys(SERVICES) as ServiceName[];
  const keys = explainTopology({ topology: subject.topology, given: {} });
  const sections = names.map((name) => serviceSection(name, subject));
  return `# Settings

<!-- Rendered from camofleet.yaml and from the declarations in the code by \`camofleet render --guide\`. Do not edit. -->

Operators edit [camofleet.yaml](#camofleetyaml); the engine gives each service what follows from it. Services that are started by hand
take the same names from the environment, or as flags, which win. \`camofleet config explain\` prints every setting with its value and
where it comes from.

An unknown name that begins with \`CAMOFLEET_\`, \`RUNNER_\`, \`CONTROL_\` or \`VNC_\` is an error that names the nearest one; all problems are
told at once, exit code 2. Secrets are files, named by path: none is ever a value.

${sections.join('\n')}
## camofleet.yaml

${tableOf(
  ['key', 'default', 'this fleet', 'a value is', 'meaning'],
  keys.map((key) => [
    `\`${key.key}\``,
    shown(key.default),
    sameText(key.default, key.value) ? '' : shown(key.value),
    key.kind,
    key.doc,
  ]),
)}
`;
}

function serviceSection(name: ServiceName, { topology, placement, engine }: GuideSubject): string {
  const fields = Object.values(SERVICES[name].fields);
  const given = Object.entries(serviceEnvironment(name, topology, placement));
  return `## ${name[0]!.toUpperCase()}${name.slice(1)}

${ABOUT[name]} \`camofleet ${name}\` runs it.

${tableOf(
  ['name', 'default', 'unit or form', 'meaning'],
  fields.map((field) => [`\`${field.env}\``, shown(field.default), field.kind, field.doc]),
)}

What the engine \`${engine}\` sets for this fleet:

${blockOf('sh', given.map(([key, value]) => `${key}=${quoted(value)}`).join('\n'))}
`;
}

/** A value of more than this many characters is told by its kind. */
const MAX_SHOWN = 60;

function shown(value: unknown): string {
  if (value === undefined || value === null || value === '') return '*empty*';
  if (isRange(value)) return `\`${value.min}-${value.max}\``;
  const plain = value instanceof Map ? Object.fromEntries(value) : value;
  if (Array.isArray(plain) && plain.length === 0) return '*empty*';
  const text = typeof plain === 'string' ? plain : JSON.stringify(plain);
  return text === '{}' ? '*empty*' : text.length > MAX_SHOWN ? '*see `config explain`*' : `\`${text}\``;
}

function isRange(value: unknown): value is { readonly min: number; readonly max: number } {
  return typeof value === 'object' && value !== null && 'min' in value && 'max' in value;
}

function sameText(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** As a shell reads it back. */
function quoted(value: string): string {
  return /^[A-Za-z0-9_./:@,-]*$/.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`;
}
