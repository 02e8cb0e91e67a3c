import type { EvidenceRef } from '../../report/index.js';
import type { ServiceLine } from '../logs/index.js';
import { type Cut, type JudgeInput, SAME_MOMENT_MS } from './judged.js';

export interface Testimony {
  readonly line: ServiceLine;
  readonly evidence: EvidenceRef;
}

/** What the runner said of the session before, or right after, its stream ended; verify's own release comes later. */
export function sessionEnded(cut: Cut, { logs, endedAt }: JudgeInput): Testimony | undefined {
  const latest = Math.min(cut.end.at + SAME_MOMENT_MS, endedAt);
  const line = logs.runner.find(
    ({ event, facts, time }) =>
      event === 'session.ended' && facts['session'] === cut.session && Date.parse(time) <= latest,
  );
  return line && testimony('runner.log', line, text(line, 'detail'));
}

/** The gateway's own line of the end of a socket. */
export function socketClosed({ key }: Cut, { logs }: JudgeInput): Testimony | undefined {
  const line = logs.gateway.find(
    ({ event, facts }) => event === 'session.closed' && key !== undefined && facts['wsKey'] === key,
  );
  return line && testimony('websockify.log', line, `${text(line, 'cause')}, by ${text(line, 'by')}`);
}

/** The supervisor saw a service end, by itself or because it was told to; before verify was done. */
export function serviceEnded(service: string, { logs, endedAt }: JudgeInput): Testimony | undefined {
  const line = logs.supervisor.find(
    ({ event, facts, time }) =>
      (event === 'service.died' || event === 'service.stopped') &&
      facts['service'] === service &&
      !(Date.parse(time) > endedAt + SAME_MOMENT_MS),
  );
  return line && testimony('supervisor.log', line, `${service} ${text(line, 'how')}`);
}

/** The gateway was told to stop. */
export function gatewayDraining({ logs }: JudgeInput): Testimony | undefined {
  const line = logs.gateway.find(({ event }) => event === 'gateway.draining');
  return line && testimony('websockify.log', line, 'the gateway was told to stop');
}

function testimony(file: string, line: ServiceLine, said: string): Testimony {
  return { line, evidence: { file, line: line.line, text: said } };
}

function text({ facts }: ServiceLine, name: string): string {
  const value = facts[name];
  return typeof value === 'string' ? value : '';
}
