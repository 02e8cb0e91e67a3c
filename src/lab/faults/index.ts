import type { Fault } from '../fault.js';
import { F53 } from './F53.js';
import { F54 } from './F54.js';

/** Every fault that can be hosted, in the order of the atlas; see docs/lab.md for how to add one. */
export const FAULTS: readonly Fault[] = [F53, F54];
