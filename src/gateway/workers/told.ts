import type { Channel } from '../../core/index.js';
import {
  certificateProblem,
  certificateRenewed,
  controlState,
  gatewayProblem,
  keyProblem,
  sessionClosed,
  sessionOpened,
  sessionRefused,
  warmedUp,
} from '../events.js';

/** What workers announce and their primary announces in turn: its log and its metrics are those of all. */
// oxlint-disable-next-line typescript/no-explicit-any -- facts of every shape pass through
export const TOLD_CHANNELS: readonly Channel<any>[] = [
  warmedUp,
  sessionRefused,
  sessionOpened,
  sessionClosed,
  gatewayProblem,
  keyProblem,
  controlState,
  certificateRenewed,
  certificateProblem,
];
