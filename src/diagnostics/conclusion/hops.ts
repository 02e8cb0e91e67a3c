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

/** What was seen last, unless something could not be found out. */
function noteOf(looked: readonly CheckReport[]): string | undefined {
  return (
    looked.find(({ verdict }) => verdict === 'unknown')?.because ?? looked.findLast(({ saw }) => saw !== undefined)?.saw
  );
}
