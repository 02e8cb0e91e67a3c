import { cutTimesAdvice, cutTimesTable } from './cut-times.js';
import { STYLE } from './html-style.js';
import type { EvidenceRef, Finding, Report, StreamReport } from './shape.js';
import { streamName } from './stream-name.js';
import { escapeXml } from './xml.js';
import { count, formatBytes, formatMs, printable } from './words.js';

/** The report as one page: no script, nothing from elsewhere, light and dark. */
export function renderHtml(report: Report): string {
  const sections = [
    hero(report),
    path(report),
    findings(report),
    budgets(report),
    streams(report),
    cutTimes(report),
    checks(report),
    clocks(report),
    evidence(report),
  ];
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escape(`${report.verdict} · verify ${report.run}`)}</title><style>${STYLE}</style></head>
<body>
${sections.filter((section) => section !== '').join('\n')}
</body></html>
`;
}

function hero({ verdict, interrupted, summary, run, startedAt, endedAt, target, version, exitCode }: Report): string {
  const took = formatMs(Date.parse(endedAt) - Date.parse(startedAt));
  const word = interrupted ? 'interrupted' : verdict;
  const time = `${startedAt.slice(0, 19).replace('T', ' ')} UTC, ${took}`;
  return `<header class="card hero ${verdict}">
<span class="badge ${verdict}">${escape(word)}</span>
<h1>${escape(summary)}</h1>
<p><code>${escape(target.url ?? 'no target')}</code></p>
<p>${escape(time)} · run ${escape(run)} · camofleet ${escape(version)} · exit ${exitCode}</p>
</header>`;
}

/** The hops in path order; behind the first bad one, what could not be looked at is "not reached". */
function path({ hops }: Report): string {
  const firstBad = hops.findIndex(({ verdict }) => verdict === 'fail');
  const items = hops.map(({ hop, verdict, tookMs, note }, index) => {
    const isUnreached = firstBad >= 0 && index > firstBad && verdict === 'skip';
    const state = isUnreached ? 'not reached' : index === firstBad ? 'first bad hop' : STATES[verdict];
    const time = tookMs === null || isUnreached ? '' : formatMs(tookMs);
    const cells = [`<i>${index + 1}</i>`, `<b>${hop}</b>`, `<span class="state ${verdict}">${state}</span>`];
    cells.push(`<span class="time">${time}</span>`, `<span class="note">${escape(note ?? '')}</span>`);
    return `<li class="${verdict}">${cells.join('')}</li>`;
  });
  return items.length === 0 ? '' : `<h2>Path</h2><ol class="path">${items.join('')}</ol>`;
}

const COLLECTED = { ok: 'collected', partial: 'collected with gaps', skip: 'not collected', failed: 'failed' };
const STATES = { pass: 'ok', warn: 'warning', fail: 'failed', skip: 'not looked at', unknown: 'could not find out' };

function findings({ findings: all }: Report): string {
  return all.length === 0 ? '' : `<h2>Findings</h2>${all.map(findingCard).join('\n')}`;
}

function findingCard({ code, hop, severity, confidence, evidence: proof, ...said }: Finding): string {
  const rows: [string, string][] = [
    ['saw', escape(said.saw)],
    ['wanted', escape(said.want)],
    ['evidence', proof.map(cited).join('<br>')],
    ['not it', said.not.map(escape).join('<br>')],
    ['weighed', weighed(said.hypotheses)],
    ['remedy', `<span class="remedy">${escape(said.remedy)}</span>`],
    ['to settle', escape(said.settle ?? '')],
    ['more', `<code>camofleet explain ${escape(code)}</code>`],
  ];
  const list = rows
    .filter(([, text]) => text !== '')
    .map(([label, text]) => `<dt>${label}</dt><dd>${text}</dd>`)
    .join('');
  const badge = severity === 'info' ? 'skip' : severity;
  return `<section class="card finding ${severity}"><strong>${escape(code)}</strong> <span class="badge ${badge}">${escape(hop)}</span> <span class="badge">${escape(confidence)}</span><dl>${list}</dl></section>`;
}

function weighed(hypotheses: Finding['hypotheses'] = []): string {
  return hypotheses
    .map(({ what, stands, speaksFor, speaksAgainst }) => {
      const [side, texts] = stands ? ['for', speaksFor] : ['against', speaksAgainst];
      return `<details><summary>${stands ? 'stands' : 'no'}: ${escape(what)}</summary>${texts.map((text) => `${side}: ${escape(text)}`).join('<br>')}</details>`;
    })
    .join('');
}

function cited({ file, line, packet, text }: EvidenceRef): string {
  const place = packet === undefined ? (line === undefined ? '' : ` line ${line}`) : ` packet ${packet}`;
  return `<code>${escape(file)}</code>${place}${text === undefined ? '' : `: ${escape(text)}`}`;
}

function budgets({ budget = [] }: Report): string {
  const rows = budget.map(({ name, limit, saw, crossed, because = '' }) => [
    escape(name),
    `${limit} ms`,
    saw === null ? '' : `${saw} ms`,
    saw === null
      ? escape(because)
      : `<span class="state ${crossed ? 'warn' : 'pass'}">${crossed ? 'crossed' : 'kept'}</span>`,
  ]);
  return rows.length === 0 ? '' : `<h2>Budget</h2>${table(['limit', 'at most', 'seen', 'state'], rows)}`;
}

function streams({ streams: all }: Report): string {
  const rows = all.map((stream) => [
    escape(streamName(stream)),
    formatMs(stream.heldMs),
    String(stream.frames),
    formatBytes(stream.bytesIn),
    ...pingCells(stream),
    formatMs(stream.longestSilenceMs),
    stream.frozen ? '<span class="state fail">nobody: it froze</span>' : endOf(stream.end),
  ]);
  const head = ['stream', 'held', 'frames', 'received', 'pings answered', 'p50 / p99', 'longest silence', 'ended by'];
  return all.length === 0 ? '' : `<h2>Streams</h2>${table(head, rows)}`;
}

function pingCells({ pings: { sent, answered, p50Ms, p99Ms } }: StreamReport): string[] {
  const trips = [p50Ms, p99Ms].filter((ms) => ms !== null).map(formatMs);
  return [sent === 0 ? '' : `${answered} of ${sent}`, trips.join(' / ')];
}

function cutTimes({ cutTimes: found }: Report): string {
  if (!found) return '';
  const [head = [], ...rows] = cutTimesTable(found);
  const advice = cutTimesAdvice(found).map(([, text]) => `<li>${escape(text)}</li>`);
  return `<h2>Timers</h2>${table(
    head,
    rows.map((row) => row.map(escape)),
  )}<ul>${advice.join('')}</ul>`;
}

function endOf({ by, how, code, reason }: StreamReport['end']): string {
  if (by === 'verify') return '<span class="state pass">verify, as planned</span>';
  const why = [how.replace('_', ' '), ...(code === null ? [] : [String(code)]), ...(reason === '' ? [] : [reason])];
  return `<span class="state fail">${escape(by)}</span> ${escape(why.join(' '))}`;
}

function checks({ checks: all }: Report): string {
  const rows = all.map(({ id, hop, title, verdict, saw, want, because, tookMs }) => [
    `<span class="state ${verdict}">${verdict}</span>`,
    hop,
    `${escape(title)}<br><code>${escape(id)}</code>`,
    escape(saw ?? because ?? '') + (want === undefined ? '' : `<br>wanted: ${escape(want)}`),
    verdict === 'skip' ? '' : formatMs(tookMs),
  ]);
  return all.length === 0 ? '' : `<h2>Checks</h2>${table(['verdict', 'hop', 'fact', 'seen', 'time'], rows)}`;
}

function clocks({ clocks: all = [] }: Report): string {
  const rows = all.map(({ source, aheadMs, uncertaintyMs, events }) => [
    escape(source),
    aheadMs < 0 ? `${formatMs(-aheadMs)} behind` : `${formatMs(aheadMs)} ahead`,
    `± ${formatMs(uncertaintyMs)}`,
    String(events),
  ]);
  return all.length === 0 ? '' : `<h2>Clocks</h2>${table(['source', 'against verify', 'within', 'events'], rows)}`;
}

function evidence({ artifacts, collection }: Report): string {
  const rows = artifacts.map(({ path: file, bytes, sha256, redactions }) => [
    `<code>${escape(file)}</code>`,
    formatBytes(bytes),
    redactions === 0 ? '' : count(redactions, 'value'),
    `<code>${escape(sha256.slice(0, 16))}…</code>`,
  ]);
  const missing = collection
    .filter(({ status }) => status !== 'ok')
    .map(({ what, status, because }) => `<p>${escape(`${COLLECTED[status]}: ${what}: ${because ?? ''}`)}</p>`);
  const list = rows.length === 0 ? '' : table(['file', 'size', 'hidden', 'SHA-256'], rows);
  const notes = missing.length === 0 ? '' : `<div class="skips">${missing.join('')}</div>`;
  return list + notes === '' ? '' : `<h2>Evidence</h2>${list}${notes}`;
}

const NUMBER = /^\d[\d., /]*(?:(?:ms|s|min|h|m|kB|MB|B|of|values?)[\d., /]*)*$/;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) =>
    row.map((cell) => `<td${NUMBER.test(cell) ? ' class="number"' : ''}>${cell}</td>`).join(''),
  );
  return `<div class="card scroll"><table><thead><tr>${head.map((cell) => `<th>${cell}</th>`).join('')}</tr></thead><tbody>${cells.map((row) => `<tr>${row}</tr>`).join('')}</tbody></table></div>`;
}

function escape(text: string): string {
  return escapeXml(printable(text));
}
