import { stripVTControlCharacters } from 'node:util';

/** Text is never made narrower than this: on a smaller terminal it breaks by itself. */
const LEAST_WIDTH = 24;

/** Cuts a line to the width of the terminal; colours count as nothing, and a cut line loses them. */
export function cut(line: string, columns: number): string {
  const plain = stripVTControlCharacters(line);
  return plain.length <= columns ? line : `${plain.slice(0, Math.max(1, columns - 1))}…`;
}

/** Wraps text behind a label; later lines stand under the first. The style is put on each line by itself. */
export function wrap(label: string, text: string, columns: number, style = (line: string): string => line): string {
  const indent = stripVTControlCharacters(label).length;
  const width = Math.max(LEAST_WIDTH, columns - indent);
  const lines: string[] = [''];
  for (const word of text.split(' ')) {
    const last = lines.at(-1)!;
    if (last === '') lines[lines.length - 1] = word;
    else if (last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines.map((line, index) => `${index === 0 ? label : ' '.repeat(indent)}${style(line)}`).join('\n');
}
