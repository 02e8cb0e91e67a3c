/**
 * How far the two cores are from each other. Under a hypervisor that is not a constant: when it moves one of two virtual
 * cores to where another cache is, what goes from the contender to the load costs several times as much until it moves
 * it back. Numbers of such runs are no other program's, and not the contender's either.
 */
import { spawnSync } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { CONTENDER_CORE, LOAD_CORE } from './run.mjs';

/**
 * A way to and fro that is so many times as long as the shortest that was seen is one between caches. Between caches of an
 * AMD EPYC it takes 6.5 times as long as within one; within the one cache of an Intel Xeon up to 4.2 times as long, as it goes.
 */
const APART = 5;
/** Cores that are apart for longer are taken as they are. */
const PATIENCE_MS = 20_000;
const LOOK_MS = 500;

/** The two cores that contender and load are pinned to. */
export class Cores {
  #nearestNs = Number.POSITIVE_INFINITY;

  /** `program`: bench/load/cores.c, compiled; undefined where cores are not compared. */
  constructor(program) {
    this.program = program;
  }

  /** Nanoseconds from one to the other and back; null where that cannot be told. */
  look() {
    if (!this.program) return null;
    const cores = [CONTENDER_CORE, LOAD_CORE].map(String);
    const { status, stdout } = spawnSync(this.program, cores, { encoding: 'utf8' });
    if (status !== 0) return null;
    const ns = Number(stdout);
    this.#nearestNs = Math.min(this.#nearestNs, ns);
    return ns;
  }

  /** Waits, for a while, until they are as near as they have been; how far they are then, as `look` says it. */
  async near() {
    const until = Date.now() + PATIENCE_MS;
    for (;;) {
      const ns = this.look();
      if (!this.areApart(ns) || Date.now() >= until) return ns;
      await pause(LOOK_MS);
    }
  }

  areApart(ns) {
    return ns !== null && ns > APART * this.#nearestNs;
  }
}
