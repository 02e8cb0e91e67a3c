import type { Rule, Violation } from './rule.js';

/** x11vnc gives a blocked write this long; a slow viewer must be named before it is cut. */
const X11VNC_WRITE_MS = 20_000;
/** Gateways tell who watches every 10 s; one report may be lost. */
const LEAST_IDLE_TTL_S = 30;
/** Swarm's service addresses and its way in from every node forget a TCP connection that is silent for so long. */
const IPVS_IDLE_MS = 900_000;
/** What a hop's own answer takes to travel once its budget is spent. */
const ANSWER_MARGIN_MS = 1_000;

/** Pings keep every timer on the path from running out, with two to spare. */
const pingInterval: Rule = ({ engine, gateway, edge }) => {
  const timers = [
    { name: 'gateway.readTimeoutMs', ms: gateway.readTimeoutMs },
    ...(engine === 'swarm' ? [{ name: "the idle timer of Swarm's service addresses (IPVS)", ms: IPVS_IDLE_MS }] : []),
    ...edge.map(({ name, idleTimeoutMs }) => ({ name: `the idle timer of ${name}`, ms: idleTimeoutMs })),
  ];
  const shortest = timers.reduce((best, timer) => (timer.ms < best.ms ? timer : best));
  const most = Math.max(1, Math.floor(shortest.ms / 3));
  if (gateway.pingIntervalMs > 0 && gateway.pingIntervalMs <= most) return [];
  return [
    {
      id: 'topology.ping-interval',
      severity: gateway.pingIntervalMs === 0 && edge.length === 0 ? 'warn' : 'fail',
      path: 'gateway.pingIntervalMs',
      saw: gateway.pingIntervalMs === 0 ? 'pings are off' : `${gateway.pingIntervalMs} ms`,
      want: `at most a third of ${shortest.name}, ${most} ms`,
      remedy: `gateway.pingIntervalMs: ${most}`,
    },
  ];
};

const writeTimeout: Rule = ({ gateway }) => {
  if (gateway.writeTimeoutMs < X11VNC_WRITE_MS) return [];
  return [
    {
      id: 'topology.write-timeout',
      severity: 'fail',
      path: 'gateway.writeTimeoutMs',
      saw: `${gateway.writeTimeoutMs} ms`,
      want: `below ${X11VNC_WRITE_MS} ms, after which x11vnc cuts a viewer that does not read`,
      remedy: `gateway.writeTimeoutMs: ${(X11VNC_WRITE_MS * 3) / 4}`,
    },
  ];
};

const drainDelay: Rule = ({ gateway }) => {
  if (gateway.drainDelayMs < gateway.shutdownGraceMs) return [];
  return [
    {
      id: 'topology.drain-delay',
      severity: 'fail',
      path: 'gateway.drainDelayMs',
      saw: `${gateway.drainDelayMs} ms of ${gateway.shutdownGraceMs} ms grace`,
      want: 'less than gateway.shutdownGraceMs, or viewers are cut without a word',
      remedy: `gateway.shutdownGraceMs: ${Math.max(1_000, gateway.drainDelayMs * 6)}`,
    },
  ];
};

/** An ingress must know of a drain before viewers are told to come back, or it sends them to the gateway they come from. */
const healthCheck: Rule = ({ gateway, ingress }) => {
  const knowsMs = ingress.healthIntervalMs + ingress.healthTimeoutMs;
  if (knowsMs < gateway.drainDelayMs) return [];
  return [
    {
      id: 'topology.health-check',
      severity: 'warn',
      path: 'gateway.drainDelayMs',
      saw: `${gateway.drainDelayMs} ms`,
      want: `more than ingress.healthIntervalMs and healthTimeoutMs, ${knowsMs} ms: the ingress must know first`,
      remedy: `gateway.drainDelayMs: ${knowsMs * 2}`,
    },
  ];
};

/** A hop nearer to the viewer waits longer than the one behind it, or the reason of a failure never arrives. */
const answerTime: Rule = ({ gateway, runner, control, ingress }) => {
  const dialMs = gateway.connectTimeoutMs + gateway.greetingTimeoutMs;
  const requestMs = control.requestTimeoutSeconds * 1_000;
  return [
    ...answersFirst('ingress.responseHeaderTimeoutMs', 'ms', ingress.responseHeaderTimeoutMs, {
      name: dialMs > requestMs ? 'gateway.connectTimeoutMs and greetingTimeoutMs' : 'control.requestTimeoutSeconds',
      budget: Math.max(dialMs, requestMs),
    }),
    ...answersFirst('control.requestTimeoutSeconds', 's', control.requestTimeoutSeconds, {
      name: 'runner.startupTimeoutSeconds',
      budget: runner.startupTimeoutSeconds,
    }),
  ];
};

function answersFirst(
  path: string,
  unit: 'ms' | 's',
  waits: number,
  behind: { readonly name: string; readonly budget: number },
): readonly Violation[] {
  const least = behind.budget + (unit === 'ms' ? ANSWER_MARGIN_MS : ANSWER_MARGIN_MS / 1_000);
  if (waits >= least) return [];
  return [
    {
      id: 'topology.answer-time',
      severity: 'fail',
      path,
      saw: `${waits} ${unit}`,
      want: `at least ${least} ${unit}: longer than ${behind.name}, or it gives up before the answer that says why`,
      remedy: `${path}: ${least}`,
    },
  ];
}

/** A session that is watched must not end because a report of its viewers came late. */
const idleTtl: Rule = ({ runner }) => {
  if (runner.idleTtlSeconds === 0 || runner.idleTtlSeconds >= LEAST_IDLE_TTL_S) return [];
  return [
    {
      id: 'topology.idle-ttl',
      severity: 'fail',
      path: 'runner.idleTtlSeconds',
      saw: `${runner.idleTtlSeconds} s`,
      want: `0 or at least ${LEAST_IDLE_TTL_S} s: viewers are reported every 10 s, and a session that is watched must not end`,
      remedy: `runner.idleTtlSeconds: ${LEAST_IDLE_TTL_S}`,
    },
  ];
};

export const timerRules: readonly Rule[] = [pingInterval, writeTimeout, drainDelay, healthCheck, answerTime, idleTtl];
