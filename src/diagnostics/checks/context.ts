import type { Topology } from '../../topology/index.js';
import type { Dialled } from '../probe/dial.js';
import type { Attempt, Refuser } from '../looks/index.js';
import type { DialFacts } from '../probe/facts.js';
import type { Http2Facts } from '../probe/http2.js';
import type { HealthFacts } from '../probe/health.js';
import type { PageFacts } from '../probe/page.js';
import type { Trials } from '../trials/index.js';
import type { Front, Prepared, Subject, Vantage } from '../subjects/index.js';

/** What checks look at. Probes are made once, when the first check asks. */
export interface CheckContext {
  readonly topology: Topology | undefined;
  readonly prepared: Prepared;
  /** The subject that the table is about; undefined when none could be had. */
  readonly subject: Subject | undefined;
  /** The outermost way to the subject, or as far as it is known without one. */
  readonly front: (Front & { readonly dial: () => Promise<Dialled> }) | undefined;
  readonly now: () => number;
  /** One dial of a subject from a vantage point that is known, to the first frame; its stream is closed afterwards. */
  readonly dial: (subject: Subject, vantage: Vantage) => Promise<Dialled>;
  readonly page: (url: URL) => Promise<PageFacts>;
  /** Health checks that others rely on. */
  readonly health: readonly URL[];
  readonly askHealth: (url: URL) => Promise<HealthFacts>;
  /** Whether the socket of the front is taken at another place. */
  readonly takes: (url: URL) => Promise<boolean>;
  /** A dial of the front as by a viewer that offers no subprotocol; undefined where another offer is not taken any more, either. */
  readonly silent: () => Promise<DialFacts | undefined>;
  /** The front asked by HTTP/2; undefined where that could not be tried. */
  readonly http2: () => Promise<Http2Facts | undefined>;
  /** The public dial and some more of the same, one after another. */
  readonly again: () => Promise<readonly Attempt[]>;
  /** Whose refusal it is that the front met, where second looks tell; they are made when somebody asks. */
  readonly refuser: () => Promise<Refuser | undefined>;
  /** What the path does with things that a healthy one takes. */
  readonly trials: Trials;
}

/** Longer than any dial takes. */
export const DIAL_BUDGET_MS = 15_000;
