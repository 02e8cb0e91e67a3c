import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * What of the code decides at each hop: the file, what its line begins with, why it is shown. `ends`: the line with which
 * the extract ends; else it is the whole declaration.
 */
const SNIPPETS = [
  {
    hop: 'Viewer',
    why: 'The token comes in the fragment, which is never sent; it leaves the address bar before anything else happens.',
    file: 'src/ui/viewer/access.ts',
    begins: '  const storageKey',
    ends: '  const token',
  },
  {
    hop: 'Traefik',
    why: 'The two routes that carry a picture. `render` fills in the rules.',
    file: 'templates/traefik/dynamic.yaml',
    begins: '    # The viewer page and its assets',
    ends: "    # The control plane's API",
    without: true,
  },
  {
    hop: 'Traefik',
    why: 'The prefixes themselves are facts of the product; every rendered file takes them from here.',
    file: 'src/topology/model.ts',
    begins: 'export const ROUTES',
  },
  {
    hop: 'Control',
    why: 'The links that are handed out: for a socket the token stands in the query, for a page behind `#`.',
    file: 'src/control/overrides.ts',
    begins: 'function fill(',
  },
  {
    hop: 'Control',
    why: '',
    file: 'src/control/overrides.ts',
    begins: 'export function fillPageTemplate',
  },
  {
    hop: 'Control',
    why: 'A token is a sealed box: target and RFB password are in it, and only holders of the key can look.',
    file: 'src/tokens/codec.ts',
    begins: 'export async function sealToken',
  },
  {
    hop: 'Gateway',
    why: 'What a path asks for. Nothing is decoded, so nothing can hide.',
    file: 'src/gateway/routes.ts',
    begins: 'function routeOfPath',
  },
  {
    hop: 'Gateway',
    why: 'Judge, dial, open RFB, and only then 101.',
    file: 'src/gateway/attempt.ts',
    begins: 'export async function answerUpgrade',
  },
  {
    hop: 'Gateway',
    why: 'Every end has one cause, one code, and one who let go.',
    file: 'src/gateway/ends.ts',
    begins: 'export const ENDS',
  },
  {
    hop: 'Gateway',
    why: 'The answer itself. `Sec-WebSocket-Accept` is computed from the key; a browser drops any other.',
    file: 'src/gateway/relay/handshake.ts',
    begins: 'export function switching',
  },
  {
    hop: 'Runner',
    why: 'x11vnc shows one display, on one address, behind a password file; nothing secret stands in an argument.',
    file: 'src/runner/display.ts',
    begins: 'async function startX11vnc',
  },
  {
    hop: 'Runner',
    why: 'A session is ready when its own port has greeted, taken the password and told its size.',
    file: 'src/runner/readiness.ts',
    begins: 'export function rfbAnswers',
  },
];

/** code-snippets.md: each declaration as it stands in its file. Throws when one is no longer there. */
export function codeSnippets(root) {
  const parts = SNIPPETS.map(({ hop, file, why, ...place }) => {
    const text = readFileSync(join(root, file), 'utf8');
    return { hop, why, file, code: extractOf(text, place, file) };
  });
  const sections = parts.map(({ hop, file, why, code }, index) => {
    const head = parts[index - 1]?.hop === hop ? '' : `## ${hop}\n\n`;
    return `${head}${why && `${why}\n\n`}[${file}](../../${file})\n\n\`\`\`${languageOf(file)}\n${code}\n\`\`\`\n`;
  });
  return `# The decisive code, hop by hop

<!-- Taken from the sources by \`npm run guide\`. Do not edit. -->

${sections.join('\n')}`;
}

/** From the line that begins so, with the comment above it, to the end of the extract, without its indentation. */
function extractOf(text, { begins, ends, without = false }, file) {
  const lines = text.split('\n');
  const at = onlyLine(lines, begins, file);
  let from = at;
  while (from > 0 && /^\s*(\/\*\*|\*|\/\/)/.test(lines[from - 1])) from -= 1;
  const indent = /^\s*/.exec(lines[at])[0];
  const to = ends === undefined ? endOfDeclaration(lines, at, indent) : onlyLine(lines, ends, file) - (without ? 1 : 0);
  if (to < at) throw new Error(`${file}: ${JSON.stringify(ends)} stands above ${JSON.stringify(begins)}`);
  return lines
    .slice(from, to + 1)
    .map((line) => line.slice(indent.length))
    .join('\n');
}

function onlyLine(lines, begins, file) {
  const found = lines.flatMap((line, index) => (line.startsWith(begins) ? [index] : []));
  if (found.length === 1) return found[0];
  throw new Error(
    `${file} has ${found.length} lines that begin with ${JSON.stringify(begins)}, not one; see scripts/guide/snippets.mjs`,
  );
}

/** The first line at the same depth that closes a block and opens no other. */
function endOfDeclaration(lines, at, indent) {
  if (/;\s*$/.test(lines[at])) return at;
  const closes = new RegExp(`^${indent}[}\\])].*[^{(\\[]$|^${indent}[}\\])]$`);
  return lines.findIndex((line, index) => index > at && closes.test(line));
}

function languageOf(file) {
  return file.endsWith('.yaml') ? 'yaml' : 'ts';
}
