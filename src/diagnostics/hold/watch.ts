import type { DialFacts, Stream } from '../probe/index.js';
import type { Vantage } from '../subjects/index.js';
import type { PlannedStream } from './plan.js';
import { CORNER } from './traffic.js';

/** What is watched of a stream. The watch writes down what it finds out. */
export interface Watched {
  readonly planned: PlannedStream;
  readonly stream: Stream | undefined;
  answeredAtEnd: boolean | undefined;
  after: DialFacts | undefined;
}

/** No byte of picture for so long at a vantage point, though some is owed, is looked into. */
const QUIET_MS = 3_000;
/** What is owed for so long, while a dial beside it has come to its own end, does not come any more. */
const DEAD_MS = 8_000;
/** A stream that spoke after a nap is answered sooner, where those beside it are. */
const WAKING_MS = 2_500;

interface Deps {
  /** A dial of the same target, which takes a few seconds at most. */
  readonly dial: (planned: PlannedStream) => Promise<DialFacts>;
  /** Told at the first suspicion: evidence that passes is taken then. */
  readonly onAlarm: (why: string) => void;
}

/** Names the moment from which on a hold has nothing to wait for: the streams of a vantage point are dead, all of them. */
export class Watch {
  readonly #deps: Deps;
  /** What a dial beside streams that had fallen silent saw; undefined while it is under way. */
  readonly #alarms = new Map<Vantage, { facts: DialFacts | undefined }>();

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** What a dial saw that was made for streams that had fallen silent. */
  seen(vantage: Vantage): DialFacts | undefined {
    return this.#alarms.get(vantage)?.facts;
  }

  /** True when the hold need not go on; the streams that are dead are marked. Called every tick. */
  isOver(held: readonly Watched[]): boolean {
    const open = held.filter(({ stream }) => stream?.isOpen);
    const places = Map.groupBy(open, ({ planned }) => planned.vantage);
    const quiet = [...places].filter(([, streams]) => areQuiet(streams));
    for (const vantage of this.#alarms.keys())
      if (!quiet.some(([one]) => one === vantage)) this.#alarms.delete(vantage); // it speaks again
    if (quiet.some(([, streams]) => streams.some(owes)))
      for (const [vantage, streams] of quiet) this.#raise(vantage, streams);
    const isUnderWay = [...this.#alarms.values()].some(({ facts }) => facts === undefined);
    if (isUnderWay) return false;
    const dead = quiet.filter(([vantage, streams]) => this.#isDead(vantage, streams));
    for (const [vantage, streams] of dead)
      for (const one of streams) Object.assign(one, { answeredAtEnd: false, after: this.seen(vantage) });
    return dead.length > 0 || [...places.values()].some(hasSleptIn);
  }

  /** A dial beside them, and a question: a still picture that nobody asked for is silent as well. */
  #raise(vantage: Vantage, streams: readonly Watched[]): void {
    const [first] = streams;
    if (!first || this.#alarms.has(vantage)) return;
    this.#deps.onAlarm(`nothing came any more at the ${vantage} vantage`);
    for (const { planned, stream } of streams) if (planned.traffic === 'viewing') stream?.askCorner(CORNER);
    const alarm: { facts: DialFacts | undefined } = { facts: undefined };
    this.#alarms.set(vantage, alarm);
    void this.#deps.dial(first.planned).then((facts) => {
      alarm.facts = facts;
    });
  }

  #isDead(vantage: Vantage, streams: readonly Watched[]): boolean {
    const facts = this.seen(vantage);
    if (facts === undefined) return false;
    if (isUnanswered(facts)) return true;
    return streams.some(owes) && streams.every(({ stream }) => (stream?.quietMs() ?? 0) >= DEAD_MS);
  }
}

/** Not even the kernel of the other side says anything to a new connection. */
export function isUnanswered({ stage, errorCode }: DialFacts): boolean {
  return stage === 'tcp' && (errorCode === undefined || errorCode === 'ETIMEDOUT');
}

function areQuiet(streams: readonly Watched[]): boolean {
  return streams.every(({ stream }) => (stream?.quietMs() ?? 0) >= QUIET_MS);
}

function owes({ stream }: Watched): boolean {
  return (stream?.owedMs() ?? 0) >= QUIET_MS;
}

/** A stream that has spoken after a nap gets no answer, and one beside it, that never was so long silent, does. */
function hasSleptIn(streams: readonly Watched[]): boolean {
  const owed = ({ stream }: Watched): number => stream?.owedMs() ?? 0;
  const isAnswered = streams.some(
    ({ planned, stream }) => planned.traffic === 'pokes' && (stream?.quietMs() ?? 0) < WAKING_MS,
  );
  return isAnswered && streams.some((one) => one.planned.traffic === 'naps' && owed(one) >= WAKING_MS);
}
