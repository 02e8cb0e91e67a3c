import { stripVTControlCharacters } from 'node:util';

/** Columns of text, two blanks apart, as wide as their widest cell; the last is not padded. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows)
    for (const [column, cell] of row.entries())
      widths[column] = Math.max(widths[column] ?? 0, stripVTControlCharacters(cell).length);
  const pad = (cell: string, column: number, last: boolean): string =>
    last ? cell : cell + ' '.repeat(widths[column]! - stripVTControlCharacters(cell).length);
  return rows
    .map((row) => row.map((cell, column) => pad(cell, column, column === row.length - 1)).join('  '))
    .join('\n');
}
