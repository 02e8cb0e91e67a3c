/** Milliseconds as people say them: `20 s`, `2.5 s`, `250 ms`, `5 min`. */
export function timeOf(ms: number): string {
  if (ms >= 300_000 && ms % 60_000 === 0) return `${ms / 60_000} min`;
  return ms < 1_000 ? `${ms} ms` : `${ms / 1_000} s`;
}

/** `5900-5999`, or the one number that it is. */
export function spanOf({ min, max }: { readonly min: number; readonly max: number }): string {
  return min === max ? String(min) : `${min}-${max}`;
}

/** A table of Markdown; a bar within a cell is escaped. */
export function tableOf(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(heads), line(heads.map(() => '---')), ...rows.map(line)].join('\n');
}

/** A fenced block; `name` stands behind the language, where renderers ignore it and programs find it. */
export function blockOf(language: string, text: string, name = ''): string {
  return `\`\`\`${language}${name && ` ${name}`}\n${text.trimEnd()}\n\`\`\``;
}
