import { CamofleetError, nearest } from '../core/index.js';
import { findProgram } from '../processes/index.js';
import { ANSWERS, type Answer } from './answers.js';
import type { Fault, Need } from './fault.js';
import { FAULTS } from './faults/index.js';
import { NOT_HOSTABLE } from './not-hostable.js';

/** A fault of the atlas, as this machine can host it. */
export interface Entry {
  readonly id: string;
  readonly title: string;
  readonly answer: Answer;
  /** Undefined where one machine cannot host it. */
  readonly fault: Fault | undefined;
  /** Why it is not run here; undefined when it can be. */
  readonly because: string | undefined;
}

export interface Machine {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly isRoot: boolean;
}

/** Every fault that is told of, in the order of the atlas. */
export function catalogue(machine: Machine): Entry[] {
  const hosted = FAULTS.map((fault): Entry => {
    const missing = lacking(fault.needs, machine);
    const because = missing.length === 0 ? undefined : `this machine lacks ${missing.join(', ')}`;
    return { id: fault.id, title: fault.title, answer: answerOf(fault.id), fault, because };
  });
  const others = Object.entries(NOT_HOSTABLE).map(([id, { title, because }]): Entry => {
    return { id, title, answer: answerOf(id), fault: undefined, because };
  });
  return [...hosted, ...others].toSorted((one, other) => one.id.localeCompare(other.id));
}

/** The entries with these ids, all of them without any. Throws CF_USAGE for an id that is none. */
export function pick(entries: readonly Entry[], ids: readonly string[]): readonly Entry[] {
  const known = entries.map(({ id }) => id);
  const wanted = ids.map((id) => id.toUpperCase());
  const stranger = wanted.find((id) => !known.includes(id));
  if (stranger !== undefined) {
    const close = nearest(stranger, known, 1);
    const question = close === undefined ? '' : `; did you mean ${close}?`;
    throw new CamofleetError('CF_USAGE', `the lab has no fault ${JSON.stringify(stranger)}${question}`);
  }
  return wanted.length === 0 ? entries : entries.filter(({ id }) => wanted.includes(id));
}

function answerOf(id: string): Answer {
  const answer = ANSWERS[id];
  if (!answer) throw new Error(`no answer is written for ${id}`);
  return answer;
}

/** Of what is needed, what this machine does not have. */
export function lacking(needs: readonly Need[], machine: Machine): readonly Need[] {
  return needs.filter((need) => lacks(need, machine));
}

function lacks(need: Need, { env, isRoot }: Machine): boolean {
  return need === 'root' ? !isRoot : findProgram(need, env['PATH']) === undefined;
}
