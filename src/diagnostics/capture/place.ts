import { CamofleetError } from '../../core/index.js';

/** Where packets are recorded: an interface of our own network namespace, or of another one. */
export interface CapturePlace {
  /** Undefined: every interface. */
  readonly device: string | undefined;
  /** Of another namespace: the file that names it, and what its capture is called. */
  readonly namespace?: { readonly file: string; readonly name: string };
  /** Of the namespace of a container of Docker: its name or id. */
  readonly container?: string;
}

const EVERY = ['auto', 'any'];
const NAMED = /^netns:([A-Za-z0-9_.-]+)(?:\/([^/\s]+))?$/;
const OF_PROCESS = /^pid:(\d+)(?:\/([^/\s]+))?$/;
const OF_CONTAINER = /^container:([A-Za-z0-9][A-Za-z0-9_.-]*)(?:\/([^/\s]+))?$/;
const DEVICE = /^(?!netns:|pid:|container:)[^/\s:-][^/\s]*$/;
/** Places at once: each is a tcpdump and a ring on the disk. */
const MAX_PLACES = 8;

/**
 * What `--capture` names, with commas between: `auto` or `any`, an interface, `netns:NAME[/INTERFACE]`, `pid:PID[/INTERFACE]`,
 * `container:NAME[/INTERFACE]`; none with `off`. Throws CF_USAGE for anything else.
 */
export function parsePlaces(given: string): readonly CapturePlace[] {
  const texts = [...new Set(given.split(',').map((text) => text.trim()))];
  if (texts.length === 1 && texts[0] === 'off') return [];
  if (texts.includes('off')) throw wrong(given, 'off alone');
  if (texts.length > MAX_PLACES) throw wrong(given, `at most ${MAX_PLACES} places`);
  return texts.map(placeOf);
}

/** The network namespaces among them. */
export function namespacesOf(given: string): readonly NonNullable<CapturePlace['namespace']>[] {
  return parsePlaces(given).flatMap(({ namespace }) => namespace ?? []);
}

function placeOf(text: string): CapturePlace {
  if (EVERY.includes(text)) return { device: undefined };
  const named = NAMED.exec(text);
  if (named) return { device: deviceOf(named[2]), namespace: { file: `/run/netns/${named[1]}`, name: named[1]! } };
  const process = OF_PROCESS.exec(text);
  if (process)
    return {
      device: deviceOf(process[2]),
      namespace: { file: `/proc/${process[1]}/ns/net`, name: `pid-${process[1]}` },
    };
  const container = OF_CONTAINER.exec(text);
  if (container) return { device: deviceOf(container[2]), container: container[1]! };
  if (DEVICE.test(text)) return { device: text };
  throw wrong(text, 'auto, off, an interface, netns:NAME, pid:PID or container:NAME, each with /INTERFACE or without');
}

function deviceOf(text: string | undefined): string | undefined {
  return text === undefined || EVERY.includes(text) ? undefined : text;
}

function wrong(seen: string, wanted: string): CamofleetError {
  return new CamofleetError('CF_USAGE', `--capture ${seen}: wanted ${wanted}`);
}

/** In words, for what is said of it. */
export function placeText({ device, namespace, container }: CapturePlace): string {
  const where = device === undefined ? 'any interface' : `interface ${device}`;
  if (container !== undefined) return `${where} of container ${container}`;
  return namespace ? `${where} of namespace ${namespace.name}` : where;
}

/** What its capture is called in the folder of a run; the first one has the plain name. */
export function captureFile(place: CapturePlace, index: number): string {
  if (index === 0) return 'vnc.tcpdump.pcap';
  const parts = [place.namespace?.name ?? place.container, place.device ?? 'any'].filter((part) => part !== undefined);
  return `vnc.${parts.join('.').replaceAll(/[^A-Za-z0-9_.-]/g, '_')}.tcpdump.pcap`;
}
