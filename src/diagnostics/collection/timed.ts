import type { ClockReport } from '../../report/index.js';
import { type Sighting, estimateClock, estimateZone, onOurClock } from '../clocks.js';
import type { AccessLine, EdgeLine, ServiceLine } from '../logs/index.js';
import type { TcpFlow } from '../pcap/index.js';
import type { OwnSocket } from './own-sockets.js';

/** Lines with their times on our clock, and what that clock was compared with. */
interface Timed<Line> {
  readonly lines: readonly Line[];
  readonly clock: ClockReport | undefined;
}

/** An access log tells of the beginning of a request; its line is found by the key of the handshake. */
export function timedAccess(
  source: string,
  lines: readonly AccessLine[],
  own: readonly OwnSocket[],
): Timed<AccessLine> {
  const sightings = own.flatMap(({ key, askedAt }): Sighting[] => {
    const line = lines.find(({ wsKey }) => wsKey === key);
    return line ? [{ theirsMs: Date.parse(line.startedAt), oursMs: askedAt }] : [];
  });
  const clock = estimateClock(source, sightings);
  return { lines: lines.map((line) => ({ ...line, startedAt: moved(line.startedAt, clock) })), clock };
}

/** A gateway of ours tells of the moment of the 101. */
export function timedService(
  source: string,
  lines: readonly ServiceLine[],
  own: readonly OwnSocket[],
): Timed<ServiceLine> {
  const sightings = own.flatMap(({ key, openedAt }): Sighting[] => {
    const line = lines.find(({ event, facts }) => event === 'session.opened' && facts['wsKey'] === key);
    return line ? [{ theirsMs: Date.parse(line.time), oursMs: openedAt }] : [];
  });
  const clock = estimateClock(source, sightings);
  return { lines: lines.map((line) => ({ ...line, time: moved(line.time, clock) })), clock };
}

/** Another proxy: by key or by our port where its log has them, else by the time zone that most ends agree on. */
export function timedEdge(source: string, lines: readonly EdgeLine[], own: readonly OwnSocket[]): Timed<EdgeLine> {
  const ended = own.filter((socket): socket is OwnSocket & { endedAt: number } => socket.endedAt !== undefined);
  const joined = ended.flatMap((socket): Sighting[] => {
    const line = lines.find((one) => one.wsKey === socket.key || isFrom(one.client, socket.localPort));
    return line ? [{ theirsMs: line.endedAtMs, oursMs: socket.endedAt }] : [];
  });
  const alike = ended.flatMap(({ path, endedAt }) =>
    lines
      .filter((line) => path !== undefined && line.path?.split('?')[0] === path)
      .map((line): Sighting => ({ theirsMs: line.endedAtMs, oursMs: endedAt })),
  );
  const clock = estimateClock(source, joined) ?? estimateZone(source, alike);
  return { lines: lines.map((line) => ({ ...line, endedAtMs: onOurClock(line.endedAtMs, clock) })), clock };
}

/** A capture: by our own ports, and by keys on legs in clear text. */
export function captureClock(
  source: string,
  flows: readonly TcpFlow[],
  own: readonly OwnSocket[],
): ClockReport | undefined {
  return estimateClock(
    source,
    own.flatMap(({ localPort, dialledAt }): Sighting[] => {
      const flow = flows.find(({ client, handshake }) => handshake === 'complete' && isFrom(client, localPort));
      return flow ? [{ theirsMs: flow.startedAtMs, oursMs: dialledAt }] : [];
    }),
  );
}

function isFrom(client: string | undefined, port: number | undefined): boolean {
  return client !== undefined && port !== undefined && client.endsWith(`:${port}`);
}

function moved(time: string, clock: ClockReport | undefined): string {
  const theirsMs = Date.parse(time);
  const ours = onOurClock(theirsMs, clock);
  return Number.isNaN(ours) || ours === theirsMs ? time : new Date(ours).toISOString();
}
