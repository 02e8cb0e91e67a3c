import type { Topology } from '../../topology/index.js';
import type { Dialled } from '../probe/dial.js';
import type { PageFacts } from '../probe/page.js';
import type { Front, Prepared, Subject, Vantage } from '../subjects/index.js';

/** What checks look at. Probes are made once, when the first check asks. */
export interface CheckContext {
  readonly topology: Topology | undefined;
  readonly prepared: Prepared;
  /** The subject that the table is about; undefined when none could be had. */
  readonly subject: Subject | undefined;
  /** The outermost way to the subject, or as far as it is known without one. */
  readonly front: (Front & { dial(): Promise<Dialled> }) | undefined;
  readonly now: () => number;
  /** One dial of a subject from a vantage point that is known, to the first frame; its stream is closed afterwards. */
  dial(subject: Subject, vantage: Vantage): Promise<Dialled>;
  page(url: URL): Promise<PageFacts>;
}

/** Longer than any dial takes. */
export const DIAL_BUDGET_MS = 15_000;
