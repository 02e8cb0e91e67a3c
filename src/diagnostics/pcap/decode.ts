/** One TCP segment: who, where, flags, and where its payload lies in the packet. */
export interface Segment {
  /** `127.0.0.1:5901` or `[2001:db8::1]:443` without shortening. */
  readonly from: string;
  readonly to: string;
  readonly syn: boolean;
  readonly ack: boolean;
  readonly fin: boolean;
  readonly rst: boolean;
  readonly sequence: number;
  readonly window: number;
  /** Offset of the payload in the packet's bytes. */
  readonly payloadAt: number;
  /** Bytes of payload on the wire, which may be more than were captured. */
  readonly payloadLength: number;
}

/** Endpoints whose texts are remembered: those of more flows than are followed. */
const MAX_NAMES = 16_384;

/** Texts of IPv4 endpoints, each made once: millions of packets are of the same few. */
export class EndpointNames {
  readonly #texts = new Map<number, string>();

  of(address: number, port: number): string {
    const key = address * 65_536 + port;
    const known = this.#texts.get(key);
    if (known !== undefined) return known;
    if (this.#texts.size >= MAX_NAMES) this.#texts.clear();
    const text = `${address >>> 24}.${(address >>> 16) & 0xff}.${(address >>> 8) & 0xff}.${address & 0xff}:${port}`;
    this.#texts.set(key, text);
    return text;
  }
}

/** LINKTYPE_ numbers (https://www.tcpdump.org/linktypes.html). */
const LINK = { null: 0, ethernet: 1, raw: 101, loop: 108, sll: 113, ipv4: 228, ipv6: 229, sll2: 276 } as const;
/** DLT numbers that some systems write for raw IP. */
const RAW_DLTS: readonly number[] = [12, 14];
const VLAN_TAGS: readonly number[] = [0x8100, 0x88a8];
/** Tags in front of a packet; more than two are no network of ours. */
const MAX_TAGS = 2;
const TCP = 6;
const TCP_HEADER = 20;
const IPV6_HEADER = 40;
/** Extension headers of IPv6 that may stand in front of TCP: hop-by-hop, routing, destination options. */
const IPV6_EXTENSIONS: readonly number[] = [0, 43, 60];
const MAX_EXTENSIONS = 8;

/**
 * The TCP segment in a packet of a link type; undefined for everything else, for fragments, and for what is cut short.
 * `originalLength` serves where the IP header cannot tell (segmentation offload).
 */
export function decodeSegment(
  linkType: number,
  packet: Buffer,
  originalLength: number,
  names: EndpointNames,
): Segment | undefined {
  const at = networkOffset(linkType, packet);
  if (at === undefined || at >= packet.length) return undefined;
  const version = packet[at]! >> 4;
  if (version === 4) return ipv4(packet, at, originalLength, names);
  return version === 6 ? ipv6(packet, at, originalLength) : undefined;
}

function networkOffset(linkType: number, packet: Buffer): number | undefined {
  switch (linkType) {
    case LINK.ethernet:
      return ethernet(packet);
    case LINK.sll:
      return 16;
    case LINK.sll2:
      return 20;
    case LINK.null:
    case LINK.loop:
      return 4;
    case LINK.raw:
    case LINK.ipv4:
    case LINK.ipv6:
      return 0;
    default:
      return RAW_DLTS.includes(linkType) ? 0 : undefined;
  }
}

function ethernet(packet: Buffer): number | undefined {
  let at = 12;
  for (let tags = 0; tags <= MAX_TAGS; tags += 1) {
    if (packet.length < at + 2) return undefined;
    if (!VLAN_TAGS.includes(packet.readUInt16BE(at))) return at + 2;
    at += 4;
  }
  return undefined;
}

function ipv4(packet: Buffer, at: number, originalLength: number, names: EndpointNames): Segment | undefined {
  if (packet.length < at + 20 || packet[at + 9] !== TCP) return undefined;
  const header = (packet[at]! & 0x0f) * 4;
  const isFragment = (packet.readUInt16BE(at + 6) & 0x3fff) !== 0;
  if (header < 20 || isFragment) return undefined;
  const total = packet.readUInt16BE(at + 2) || originalLength - at;
  const start = at + header;
  if (packet.length < start + TCP_HEADER) return undefined;
  const from = names.of(packet.readUInt32BE(at + 12), packet.readUInt16BE(start));
  const to = names.of(packet.readUInt32BE(at + 16), packet.readUInt16BE(start + 2));
  return tcp(packet, start, total - header, from, to);
}

function ipv6(packet: Buffer, at: number, originalLength: number): Segment | undefined {
  if (packet.length < at + IPV6_HEADER) return undefined;
  let next = packet[at + 6]!;
  let start = at + IPV6_HEADER;
  for (let count = 0; IPV6_EXTENSIONS.includes(next) && count < MAX_EXTENSIONS; count += 1) {
    if (packet.length < start + 2) return undefined;
    next = packet[start]!;
    start += (packet[start + 1]! + 1) * 8;
  }
  if (next !== TCP) return undefined;
  const length = packet.readUInt16BE(at + 4) || originalLength - at - IPV6_HEADER;
  const rest = length - (start - at - IPV6_HEADER);
  if (packet.length < start + TCP_HEADER) return undefined;
  const from = `${ipv6Text(packet, at + 8)}:${packet.readUInt16BE(start)}`;
  return tcp(packet, start, rest, from, `${ipv6Text(packet, at + 24)}:${packet.readUInt16BE(start + 2)}`);
}

function tcp(packet: Buffer, at: number, length: number, from: string, to: string): Segment | undefined {
  const header = (packet[at + 12]! >> 4) * 4;
  if (header < TCP_HEADER || packet.length < at + header) return undefined;
  const flags = packet[at + 13]!;
  return {
    from,
    to,
    fin: (flags & 0x01) !== 0,
    syn: (flags & 0x02) !== 0,
    rst: (flags & 0x04) !== 0,
    ack: (flags & 0x10) !== 0,
    sequence: packet.readUInt32BE(at + 4),
    window: packet.readUInt16BE(at + 14),
    payloadAt: at + header,
    payloadLength: Math.max(0, length - header),
  };
}

function ipv6Text(packet: Buffer, at: number): string {
  const groups = Array.from({ length: 8 }, (_, index) => packet.readUInt16BE(at + index * 2).toString(16));
  return `[${groups.join(':')}]`;
}
