import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { LineCounter, type ParsedNode, isMap, isScalar, parseDocument } from 'yaml';
import type { z } from 'zod';
import { CamofleetError, errorText, nearest } from '../core/index.js';
import { type Topology, topologySchema } from './model.js';

/** One thing that is wrong with a topology file. Line and column count from 1. */
export interface FileProblem {
  readonly line: number;
  readonly column: number;
  /** Dotted path; empty for the syntax of the whole file. */
  readonly path: string;
  readonly message: string;
}

/** Reads and parses a topology file. Throws CF_TOPOLOGY_MISSING, or CF_TOPOLOGY_INVALID with every problem. */
export async function loadTopology(file: string): Promise<Topology> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new CamofleetError('CF_TOPOLOGY_MISSING', `${file} cannot be read: ${errorText(cause)}`, { file }, { cause });
  }
  const parsed = parseTopology(text);
  if ('topology' in parsed) return parsed.topology;
  const lines = parsed.problems.map(
    ({ line, column, path, message }) => `${basename(file)}:${line}:${column} ${path}${path && ' '}${message}`,
  );
  throw new CamofleetError('CF_TOPOLOGY_INVALID', lines.join('\n'), { file, problems: lines });
}

/** Parses the text of a topology file: the topology, or all problems at once in the order of the file. */
export function parseTopology(
  text: string,
): { readonly topology: Topology } | { readonly problems: readonly FileProblem[] } {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  const at = (offset: number): { line: number; column: number } => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  const syntax = document.errors.map((error) => ({
    ...at(error.pos[0]),
    path: '',
    message: error.message.split('\n')[0]!,
  }));
  if (syntax.length > 0) return { problems: syntax };
  const values: unknown = document.toJS() ?? {};
  const result = topologySchema.safeParse(values);
  if (result.success) return { topology: result.data };
  const problems = result.error.issues.flatMap((issue) =>
    explain(issue).map(({ path, message }) => ({
      ...at(offsetOf(document.contents, path)),
      path: path.join('.'),
      message,
    })),
  );
  return { problems: problems.toSorted((a, b) => a.line - b.line || a.column - b.column) };
}

type Path = readonly (string | number)[];

/** What an issue says to a person; unknown keys one by one, with the nearest valid name. */
function explain(issue: z.core.$ZodIssue): { path: Path; message: string }[] {
  const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)));
  if (issue.code !== 'unrecognized_keys') return [{ path, message: wording(issue) }];
  return issue.keys.map((key) => {
    const close = nearest(key, keysAt(path));
    return { path: [...path, key], message: `is not a setting${close ? `; did you mean ${close}?` : ''}` };
  });
}

function wording(issue: z.core.$ZodIssue): string {
  const seen = 'input' in issue && issue.input !== undefined ? `, got ${JSON.stringify(issue.input)}` : '';
  return `${issue.message.replace(/^Invalid input: /, '')}${seen}`;
}

/** The valid names at a place of the model. */
function keysAt(path: Path): string[] {
  const full: unknown = topologySchema.parse({});
  const node = path.reduce<unknown>((value, part) => (isRecord(value) ? value[part] : undefined), full);
  const optional = path.join('.') === 'tls' ? ['certificate', 'key', 'email'] : [];
  return [...(isRecord(node) ? Object.keys(node) : []), ...optional];
}

function isRecord(value: unknown): value is Record<string | number, unknown> {
  return typeof value === 'object' && value !== null;
}

/** Where a path stands in the file: the key itself, or the nearest thing around it that is there. */
function offsetOf(root: ParsedNode | null, path: Path): number {
  let node: unknown = root;
  let offset = root?.range?.[0] ?? 0;
  for (const part of path) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(part));
      if (!pair || !isScalar(pair.key)) return offset;
      offset = pair.key.range?.[0] ?? offset;
      node = pair.value;
    } else if (typeof node === 'object' && node !== null && 'items' in node && Array.isArray(node.items)) {
      node = node.items[Number(part)];
      offset = (node as ParsedNode | undefined)?.range?.[0] ?? offset;
    }
  }
  return offset;
}
