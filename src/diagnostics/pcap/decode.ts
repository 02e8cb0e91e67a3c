/** One TCP segment: who, where, flags, and where its payload lies in the packet. */
export interface Segment {
  readonly from: string;
  readonly to: string;
  readonly syn: boolean;
  readonly ack: boolean;
  readonly fin: boolean;
  readonly rst: boolean;
  readonly sequence: number;
  /** Offset of the payload in the packet's bytes. */
  readonly payloadAt: number;
  /** Bytes of payload on the wire, which may be more than were captured. */
  readonly payloadLength: number;
}

const ETHERNET = 1;
const RAW_IP = 101;
const LINUX_SLL = 113;
const LINUX_SLL2 = 276;
const NULL_LOOPBACK = 0;
const TCP = 6;
const IPV6_HEADER = 40;

/** The TCP segment in a packet of a link type; undefined for everything else, and for what is cut short. */
export function decodeSegment(linkType: number, packet: Buffer): Segment | undefined {
  const at = networkOffset(linkType, packet);
  const version = at === undefined ? undefined : (packet[at] ?? 0) >> 4;
  if (at === undefined) return undefined;
  if (version === 4) return ipv4(packet, at);
  return version === 6 ? ipv6(packet, at) : undefined;
}

function networkOffset(linkType: number, packet: Buffer): number | undefined {
  switch (linkType) {
    case ETHERNET: {
      if (packet.length < 18) return undefined;
      return packet.readUInt16BE(12) === 0x8100 ? 18 : 14;
    }
    case LINUX_SLL:
      return 16;
    case LINUX_SLL2:
      return 20;
    case NULL_LOOPBACK:
      return 4;
    case RAW_IP:
      return 0;
    default:
      return undefined;
  }
}

function ipv4(packet: Buffer, at: number): Segment | undefined {
  if (packet.length < at + 20 || packet[at + 9] !== TCP) return undefined;
  const header = (packet[at]! & 0x0f) * 4;
  const total = packet.readUInt16BE(at + 2);
  const address = (from: number): string => packet.subarray(from, from + 4).join('.');
  return tcp(packet, at + header, total - header, address(at + 12), address(at + 16));
}

function ipv6(packet: Buffer, at: number): Segment | undefined {
  if (packet.length < at + IPV6_HEADER || packet[at + 6] !== TCP) return undefined;
  const address = (from: number): string =>
    `[${packet.toString('hex', from, from + 16).replace(/(.{4})(?!$)/g, '$1:')}]`;
  return tcp(packet, at + IPV6_HEADER, packet.readUInt16BE(at + 4), address(at + 8), address(at + 24));
}

function tcp(packet: Buffer, at: number, length: number, from: string, to: string): Segment | undefined {
  if (packet.length < at + 20) return undefined;
  const header = (packet[at + 12]! >> 4) * 4;
  const flags = packet[at + 13]!;
  return {
    from: `${from}:${packet.readUInt16BE(at)}`,
    to: `${to}:${packet.readUInt16BE(at + 2)}`,
    fin: (flags & 0x01) !== 0,
    syn: (flags & 0x02) !== 0,
    rst: (flags & 0x04) !== 0,
    ack: (flags & 0x10) !== 0,
    sequence: packet.readUInt32BE(at + 4),
    payloadAt: at + header,
    payloadLength: Math.max(0, length - header),
  };
}
