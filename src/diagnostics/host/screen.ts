import type { EvidenceRef, Finding } from '../../report/index.js';
import { hopOf } from '../blame.js';
import { CODES, type Code } from '../codes.js';
import type { DialFacts } from '../probe/facts.js';
import { SMALL_SHM_BYTES, type ShmSight } from './shm.js';
import type { ServerWords } from './words.js';

export interface ScreenTestimony {
  /** The dial that showed the picture. */
  readonly opening: DialFacts | undefined;
  readonly words: ServerWords;
  readonly shm: ShmSight | undefined;
  /** The screen is one of verify's own, and may be empty. */
  readonly isOwn: boolean;
}

/** What is wrong with a picture that arrives whole: it shows nothing, or its browser has no memory to draw in. */
export function findingsOfScreen({ opening, words, shm, isOwn }: ScreenTestimony): readonly Finding[] {
  if (isOwn || opening?.stage !== 'open') return [];
  const found: Finding[] = [];
  if (shm && shm.bytes <= SMALL_SHM_BYTES) {
    const saw = `/dev/shm beside the RFB server holds ${Math.round(shm.bytes / MIB)} MiB, and ${shm.browser} runs there without --disable-dev-shm-usage`;
    found.push(finding('CF-RUNNER-SHM', 'fail', saw, [{ file: 'report.json', text: `this machine: ${saw}` }]));
  } else if (words.shared)
    found.push(finding('CF-RUNNER-SHM', 'fail', `the log of the runner says: ${words.shared.text}`, [words.shared]));
  if (opening.frame?.isPlain !== true) return found;
  const saw = 'the whole picture arrives, and has one colour';
  return words.empty
    ? [
        ...found,
        finding('CF-RUNNER-EMPTY', 'fail', `${saw}; the log of the runner says: ${words.empty.text}`, [words.empty]),
      ]
    : [...found, finding('CF-RUNNER-EMPTY', 'info', saw, [])];
}

const MIB = 1_048_576;

function finding(code: Code, severity: Finding['severity'], saw: string, evidence: readonly EvidenceRef[]): Finding {
  const { want, remedy, not } = CODES[code];
  const own = { file: 'report.json', text: 'checks: rfb.firstFrame' };
  return {
    code,
    hop: hopOf(code),
    severity,
    confidence: 'likely',
    saw,
    want,
    remedy,
    not,
    evidence: [...evidence, own],
  };
}
