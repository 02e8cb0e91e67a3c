import { HOPS } from '../../core/index.js';
import {
  type CheckReport,
  type Finding,
  type HopReport,
  type VerdictStatus,
  worstVerdict,
} from '../../report/index.js';

/** Each hop once, in path order, with the worst of its checks and findings; hops that nothing looked at are left out. */
export function hopReports(checks: readonly CheckReport[], findings: readonly Finding[]): readonly HopReport[] {
  return HOPS.flatMap((hop): HopReport[] => {
    const own = checks.filter((check) => check.hop === hop && !isOfFile(check));
    const found = findings.filter((finding) => finding.hop === hop && finding.severity !== 'info');
    if (own.length === 0 && found.length === 0) return [];
    const looked = own.filter(({ verdict }) => verdict !== 'skip');
    const verdicts = [
      ...looked.map(({ verdict }) => verdict),
      ...found.map(({ severity }): VerdictStatus => (severity === 'info' ? 'pass' : severity)),
    ];
    const tookMs = looked.reduce((sum, check) => sum + check.tookMs, 0);
    const note = found[0]?.saw ?? noteOf(looked) ?? own[0]?.because;
    return [
      {
        hop,
        verdict: verdicts.length === 0 ? 'skip' : worstVerdict(verdicts),
        tookMs: looked.length === 0 ? null : Math.round(tookMs * 10) / 10,
        ...(note !== undefined && { note }),
      },
    ];
  });
}

/** A file that is right says nothing of what runs. */
function isOfFile({ id, verdict }: CheckReport): boolean {
  return id.startsWith('topology.') && verdict === 'pass';
}

/** What is tried beside the way of the picture: that it went well does not say how far the picture came. */
const BESIDE_THE_WAY: ReadonlySet<string> = new Set([
  'upgrade.again',
  'upgrade.http2',
  'gateway.compression',
  'gateway.farewell',
  'gateway.desktop',
  'rfb.promptness',
  'control.health',
]);

/** What was seen last on the way of the picture, unless something could not be found out. */
function noteOf(looked: readonly CheckReport[]): string | undefined {
  const unknown = looked.find(({ verdict }) => verdict === 'unknown')?.because;
  const seen = looked.filter(({ saw }) => saw !== undefined);
  return unknown ?? (seen.findLast(({ id }) => !BESIDE_THE_WAY.has(id)) ?? seen.at(-1))?.saw;
}
