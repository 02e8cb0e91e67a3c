import { escape } from './junit.js';
import type { Finding, Report } from './shape.js';
import { formatMs } from './text.js';

const STYLE = `
:root{color-scheme:light dark;--ground:light-dark(#f8fafc,#0b0e14);--card:light-dark(#fff,#141922);--line:light-dark(#dbe2ea,#262e3c);--text:light-dark(#0f172a,#e2e8f0);--quiet:light-dark(#526077,#94a3b8);--pass:light-dark(#0f766e,#5eead4);--fail:light-dark(#b91c1c,#f87171);--warn:light-dark(#a16207,#fbbf24);font:15px/1.5 system-ui,sans-serif}
body{max-width:64rem;margin:0 auto;padding:2rem 1.25rem;background:var(--ground);color:var(--text)}
h1{font-size:1.375rem;margin:0}h2{font-size:1rem;margin:2rem 0 .5rem}p{margin:.25rem 0;color:var(--quiet)}
table{width:100%;border-collapse:collapse}th,td{padding:.375rem .75rem .375rem 0;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}th{color:var(--quiet);font-weight:500;font-size:.8125rem}
.pass{color:var(--pass)}.fail{color:var(--fail)}.warn,.unknown{color:var(--warn)}.skip{color:var(--quiet)}
.finding{border:1px solid var(--line);border-left:4px solid var(--fail);border-radius:.5rem;background:var(--card);padding:.75rem 1rem;margin:.75rem 0}.finding.warn{border-left-color:var(--warn)}
dl{display:grid;grid-template-columns:7rem 1fr;gap:.25rem .75rem;margin:.5rem 0 0;color:var(--text)}dt{color:var(--quiet)}dd{margin:0}code{font-family:ui-monospace,monospace;font-size:.875em;overflow-wrap:anywhere}
`;

/** The report as one page: no script, nothing from elsewhere, light and dark. */
export function renderHtml(report: Report): string {
  const sections = [header(report), findings(report), hops(report), streams(report), checks(report), artifacts(report)];
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${escape(`${report.verdict} · ${report.run}`)}</title><style>${STYLE}</style></head>
<body>${sections.join('\n')}</body></html>
`;
}

function header({ verdict, summary, run, startedAt, endedAt, target, version }: Report): string {
  return `<h1 class="${verdict}">${escape(verdict)}</h1><p>${escape(summary)}</p><p><code>${escape(target.url ?? '')}</code> · ${escape(startedAt)} to ${escape(endedAt)} · run ${escape(run)} · camofleet ${escape(version)}</p>`;
}

function findings({ findings: all }: Report): string {
  return all.map(findingCard).join('\n');
}

function findingCard({ code, hop, severity, confidence, saw, want, remedy, not, settle, evidence }: Finding): string {
  const rows: [string, string][] = [
    ['saw', escape(saw)],
    ['wanted', escape(want)],
    [
      'proof',
      evidence
        .map(
          ({ file, line, packet, text }) =>
            `<code>${escape(file)}</code>${line === undefined ? '' : ` line ${line}`}${packet === undefined ? '' : ` packet ${packet}`}${text === undefined ? '' : `: ${escape(text)}`}`,
        )
        .join('<br>'),
    ],
    ['not it', not.map(escape).join('<br>')],
    ['remedy', `<strong>${escape(remedy)}</strong>`],
    ['to settle', escape(settle ?? '')],
  ];
  const list = rows
    .filter(([, text]) => text !== '')
    .map(([label, text]) => `<dt>${label}</dt><dd>${text}</dd>`)
    .join('');
  return `<section class="finding ${severity}"><strong class="${severity}">${escape(code)}</strong> · ${escape(hop)} · ${escape(confidence)}<dl>${list}</dl></section>`;
}

function hops({ hops: all }: Report): string {
  const rows = all.map(({ hop, verdict, tookMs, note }) => [
    escape(hop),
    `<span class="${verdict}">${verdict}</span>`,
    tookMs === null ? '' : formatMs(tookMs),
    escape(note ?? ''),
  ]);
  return section('Hops', ['hop', 'verdict', 'time', 'seen'], rows);
}

function streams({ streams: all }: Report): string {
  const rows = all.map(({ mode, vantage, heldMs, frames, bytesIn, pings, longestSilenceMs, end }) => [
    escape(`${mode}, ${vantage}`),
    formatMs(heldMs),
    String(frames),
    String(bytesIn),
    pings.sent === 0
      ? ''
      : `${pings.answered} of ${pings.sent}${pings.p99Ms === null ? '' : `, p99 ${formatMs(pings.p99Ms)}`}`,
    formatMs(longestSilenceMs),
    escape(
      end.by === 'verify'
        ? 'by verify, as planned'
        : `by ${end.by}, ${end.how}${end.code === null ? '' : ` ${end.code}`}`,
    ),
  ]);
  return all.length === 0
    ? ''
    : section('Streams', ['stream', 'held', 'frames', 'bytes', 'pings', 'longest silence', 'ended'], rows);
}

function checks({ checks: all }: Report): string {
  const rows = all.map(({ id, title, verdict, saw, because, tookMs }) => [
    `<code>${escape(id)}</code>`,
    escape(title),
    `<span class="${verdict}">${verdict}</span>`,
    escape(saw ?? because ?? ''),
    formatMs(tookMs),
  ]);
  return section('Checks', ['check', 'fact', 'verdict', 'seen', 'time'], rows);
}

function artifacts({ artifacts: all, collection }: Report): string {
  const rows = all.map(({ path, kind, bytes, redactions }) => [
    `<code>${escape(path)}</code>`,
    kind,
    String(bytes),
    String(redactions),
  ]);
  const missing = collection
    .filter(({ status }) => status !== 'ok')
    .map(({ what, status, because }) => `<p>${escape(`${status}: ${what}: ${because ?? ''}`)}</p>`);
  return section('Evidence', ['file', 'kind', 'bytes', 'values hidden'], rows) + missing.join('');
}

function section(title: string, head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (row: readonly string[], tag: string): string => row.map((cell) => `<${tag}>${cell}</${tag}>`).join('');
  return `<h2>${title}</h2><table><thead><tr>${cells(head, 'th')}</tr></thead><tbody>${rows.map((row) => `<tr>${cells(row, 'td')}</tr>`).join('')}</tbody></table>`;
}
