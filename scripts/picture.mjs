/**
 * Draws terminal output (text with SGR colours on standard input) as an SVG on standard output, for the README:
 * `tmux capture-pane -p -e | node scripts/picture.mjs "camofleet verify --duration 30s" > docs/images/verify.svg`
 */
import { text } from 'node:stream/consumers';

const COLOURS = { 31: '#ff7b72', 32: '#7ee787', 33: '#e3b341', 36: '#79c0ff' };
const [CELL_WIDTH, LINE_HEIGHT, MARGIN, FONT_SIZE] = [8.4, 20, 24, 14];

/** Blanks are made unbreakable: renderers fold them otherwise. */
function escaped(part) {
  return part.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll(' ', '\u00A0');
}

/** The style after a list of SGR parameters (ECMA-48 section 8.3.117). */
function styled(style, parameters) {
  return parameters.split(';').reduce((now, parameter) => {
    if (parameter === '' || parameter === '0') return {};
    if (parameter === '1') return { ...now, 'font-weight': 'bold' };
    if (parameter === '2') return { ...now, opacity: '0.6' };
    if (parameter === '39') return { ...now, fill: undefined };
    return COLOURS[parameter] ? { ...now, fill: COLOURS[parameter] } : now;
  }, style);
}

function drawn(lines) {
  let style = {};
  return lines.map((line, row) => {
    let column = 0;
    const spans = line.split(/\u001B\[([\d;]*)m/).map((part, index) => {
      if (index % 2 === 1) {
        style = styled(style, part);
        return '';
      }
      const attributes = Object.entries(style)
        .filter(([, value]) => value !== undefined)
        .map(([name, value]) => ` ${name}="${value}"`)
        .join('');
      const x = MARGIN + column * CELL_WIDTH;
      column += [...part].length;
      return part.trim() === '' ? '' : `<tspan x="${x.toFixed(1)}"${attributes}>${escaped(part)}</tspan>`;
    });
    return `<text y="${MARGIN + (row + 1) * LINE_HEIGHT}">${spans.join('')}</text>`;
  });
}

const lines = [
  `\u001B[2m$ ${process.argv[2] ?? ''}\u001B[0m`,
  '',
  ...(await text(process.stdin)).trimEnd().split('\n'),
];
const widest = Math.max(...lines.map((line) => [...line.replaceAll(/\u001B\[[\d;]*m/g, '')].length));
const [width, height] = [MARGIN * 2 + widest * CELL_WIDTH, MARGIN * 2 + lines.length * LINE_HEIGHT];
process.stdout.write(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width.toFixed(0)} ${height}" width="${width.toFixed(0)}" height="${height}">
<rect width="100%" height="100%" rx="10" fill="#0d1117"/>
<g font-family="ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace" font-size="${FONT_SIZE}" fill="#e6edf3">
${drawn(lines).join('\n')}
</g>
</svg>
`);
