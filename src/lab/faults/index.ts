import type { Fault } from '../fault.js';
import { F01 } from './F01.js';
import { F02 } from './F02.js';
import { F03 } from './F03.js';
import { F04 } from './F04.js';
import { F05 } from './F05.js';
import { F09 } from './F09.js';
import { F10 } from './F10.js';
import { F11 } from './F11.js';
import { F12 } from './F12.js';
import { F15 } from './F15.js';
import { F17 } from './F17.js';
import { F19 } from './F19.js';
import { F20 } from './F20.js';
import { F21 } from './F21.js';
import { F23 } from './F23.js';
import { F24 } from './F24.js';
import { F25 } from './F25.js';
import { F28 } from './F28.js';
import { F29 } from './F29.js';
import { F31 } from './F31.js';
import { F33 } from './F33.js';
import { F34 } from './F34.js';
import { F35 } from './F35.js';
import { F36 } from './F36.js';
import { F37 } from './F37.js';
import { F38 } from './F38.js';
import { F40 } from './F40.js';
import { F42 } from './F42.js';
import { F43 } from './F43.js';
import { F44 } from './F44.js';
import { F45 } from './F45.js';
import { F46 } from './F46.js';
import { F47 } from './F47.js';
import { F49 } from './F49.js';
import { F50 } from './F50.js';
import { F52 } from './F52.js';
import { F53 } from './F53.js';
import { F54 } from './F54.js';
import { F56 } from './F56.js';
import { F58 } from './F58.js';
import { F59 } from './F59.js';
import { F60 } from './F60.js';
import { F62 } from './F62.js';
import { F64 } from './F64.js';
import { F65 } from './F65.js';
import { F69 } from './F69.js';
import { F70 } from './F70.js';
import { F72 } from './F72.js';
import { F73 } from './F73.js';
import { F76 } from './F76.js';
import { F77 } from './F77.js';
import { F78 } from './F78.js';
import { F79 } from './F79.js';
import { F82 } from './F82.js';
import { F83 } from './F83.js';
import { F85 } from './F85.js';
import { F87 } from './F87.js';

/** Every fault that can be hosted, in the order of the atlas; see docs/lab.md for how to add one. */
export const FAULTS: readonly Fault[] = [
  F01,
  F02,
  F03,
  F04,
  F05,
  F09,
  F10,
  F11,
  F12,
  F15,
  F17,
  F19,
  F20,
  F21,
  F23,
  F24,
  F25,
  F28,
  F29,
  F31,
  F33,
  F34,
  F35,
  F36,
  F37,
  F38,
  F40,
  F42,
  F43,
  F44,
  F45,
  F46,
  F47,
  F49,
  F50,
  F52,
  F53,
  F54,
  F56,
  F58,
  F59,
  F60,
  F62,
  F64,
  F65,
  F69,
  F70,
  F72,
  F73,
  F76,
  F77,
  F78,
  F79,
  F82,
  F83,
  F85,
  F87,
];
