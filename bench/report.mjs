/** Medians, ratios and tables of what was run. */

/**
 * A table a scenario; ratios are how many times better than the baseline, side by side in the same round. Runs while the
 * cores were apart count where a contender has no others.
 */
export function table(scenario, all, names, baseline) {
  const isNear = new Set(all.filter(({ isApart, numbers }) => numbers && !isApart).map(({ contender }) => contender));
  const runs = all.filter(({ isApart, contender }) => !isApart || !isNear.has(contender));
  const present = names.filter((name) => runs.some((run) => run.contender === name && run.numbers));
  if (present.length === 0) return `${scenario.name}: nothing was measured\n`;
  const columns = Object.keys(runs.find((run) => run.numbers).numbers);
  const compared = present.includes(baseline) && present.length > 1 ? Object.keys(scenario.better) : [];
  const head = [
    scenario.name,
    'rounds',
    ...columns,
    ...compared.map((name) => `x ${name}`),
    'load',
    'others',
    'problems',
  ];
  const rows = present.map((name) => {
    const own = runs.filter((run) => run.contender === name && run.numbers);
    return [
      name,
      String(own.length),
      ...columns.map((column) => shown(median(own.map(({ numbers }) => numbers[column])))),
      ...compared.map((column) => shown(ratio(scenario, runs, name, baseline, column))),
      shown(median(own.map(({ loadCpu }) => loadCpu))),
      shown(median(own.map(({ others }) => others))),
      problemsOf(all.filter((run) => run.contender === name)),
    ];
  });
  return `${scenario.what}\n${aligned([head, ...rows])}\n`;
}

/** The middle of numbers; NaN of none. */
export function median(values) {
  const sorted = values.filter(Number.isFinite).toSorted((a, b) => a - b);
  if (sorted.length === 0) return Number.NaN;
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

function ratio(scenario, runs, name, baseline, column) {
  const of = (contender, round) =>
    runs.find((run) => run.contender === contender && run.round === round)?.numbers?.[column];
  const rounds = [...new Set(runs.map(({ round }) => round))];
  const ratios = rounds.map((round) => of(name, round) / of(baseline, round));
  return median(scenario.better[column] === 'more' ? ratios : ratios.map((value) => 1 / value));
}

function problemsOf(runs) {
  const worst = {};
  for (const { error, problems = {} } of runs) {
    if (error) worst[error] = 1;
    for (const [name, count] of Object.entries(problems)) worst[name] = Math.max(worst[name] ?? 0, count);
  }
  return Object.entries(worst)
    .map(([name, count]) => `${name}: ${count}`)
    .join(', ');
}

function shown(value) {
  if (!Number.isFinite(value)) return '-';
  const size = Math.abs(value);
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 0.1 ? 2 : 3);
}

function aligned(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const line = (row) =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]))).join('  ');
  return rows.map((row) => `  ${line(row).trimEnd()}`).join('\n');
}
