import { formatMs, type Finding } from '../report/index.js';
import { hopOf } from './blame.js';
import { CODES } from './codes.js';
import type { TcpFlow } from './pcap/index.js';

/** A reader that pauses for so long is not slow: it has stopped. */
const LEAST_MS = 8_000;

type CapturedFlow = TcpFlow & { readonly file: string };

/** Flows whose viewer, or gateway, stopped reading, until the RFB server gave it up. */
export function findingsOfFlows(flows: readonly CapturedFlow[]): readonly Finding[] {
  const given = flows.flatMap((flow) => {
    const shutMs = givenUpAfterMs(flow);
    return shutMs === undefined ? [] : [{ flow, shutMs }];
  });
  const [first] = given.toSorted((one, other) => other.shutMs - one.shutMs);
  if (!first) return [];
  const code = 'CF-RUNNER-SLOW';
  const { want, remedy, not } = CODES[code];
  const { flow, shutMs } = first;
  return [
    {
      code,
      hop: hopOf(code),
      severity: 'fail',
      confidence: 'proven',
      saw: `${flow.server} gave up ${flow.client} after ${formatMs(shutMs)} in which that read nothing (zero window); the stall began on the side of the viewer`,
      want,
      remedy,
      not: [...not],
      evidence: given.map(({ flow: { file, end } }) => ({ file, packet: end?.packet ?? 0, text: end?.text ?? '' })),
    },
  ];
}

/** How long the dialling side had read nothing when an RFB server ended the flow; undefined where that is not what happened. */
function givenUpAfterMs({ banner, firstPayload, end, up }: TcpFlow): number | undefined {
  const isRfb = banner !== undefined && firstPayload?.kind === 'rfb';
  if (!isRfb || end?.by !== 'server' || up.shutSinceMs === null) return undefined;
  const shutMs = end.atMs - up.shutSinceMs;
  return shutMs >= LEAST_MS ? shutMs : undefined;
}
