import { EXIT } from '../core/index.js';
import type { SmokeStep, SmokeStepName } from '../report/index.js';
import { SMOKE_STEPS, failedStep } from './record.js';

/** What a step that went well has to say. */
export interface Done<T> {
  readonly value: T;
  readonly saw: string;
  /** Where it is not a pass with exit code 0. */
  readonly as?: Pick<SmokeStep, 'verdict' | 'exitCode'> & Partial<Pick<SmokeStep, 'code' | 'remedy'>>;
}

/** Takes steps one after the other and notes how each went. A step that throws ends none of those behind it. */
export class Steps {
  readonly #taken: SmokeStep[] = [];

  constructor(
    private readonly deps: {
      readonly monotonic: () => number;
      readonly observer: {
        readonly onBegin: (name: SmokeStepName) => Promise<void>;
        readonly onStep: (step: SmokeStep) => Promise<void>;
      };
    },
  ) {}

  /** All of them, in their order; what was not taken was not reached. */
  get all(): readonly SmokeStep[] {
    return (Object.keys(SMOKE_STEPS) as SmokeStepName[]).map(
      (name) => this.#taken.find((step) => step.name === name) ?? notReached(name),
    );
  }

  /** Undefined where the step failed, which is noted. */
  async take<T>(name: SmokeStepName, work: () => Promise<Done<T>>): Promise<T | undefined> {
    const { monotonic, observer } = this.deps;
    const began = monotonic();
    try {
      await observer.onBegin(name);
      const { value, saw, as } = await work();
      await this.#note({
        name,
        title: SMOKE_STEPS[name],
        verdict: 'pass',
        exitCode: EXIT.ok,
        ...as,
        tookMs: monotonic() - began,
        saw,
      });
      return value;
    } catch (error) {
      await this.#note(failedStep(name, error, monotonic() - began));
      return undefined;
    }
  }

  async #note(step: SmokeStep): Promise<void> {
    this.#taken.push(step);
    await this.deps.observer.onStep(step);
  }
}

function notReached(name: SmokeStepName): SmokeStep {
  return { name, title: SMOKE_STEPS[name], verdict: 'skip', exitCode: EXIT.ok, tookMs: 0, saw: 'not reached' };
}
