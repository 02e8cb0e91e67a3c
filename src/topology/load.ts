import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import {
  type Document,
  LineCounter,
  type ParsedNode,
  type YAMLError,
  isMap,
  isScalar,
  isSeq,
  parseDocument,
  visit,
} from 'yaml';
import type { z } from 'zod';
import { CamofleetError, type Result, err, errorText, nearest, ok } from '../core/index.js';
import { BROWSER_NAME } from '../settings/index.js';
import { namesAt, topologyKeys, wantedAt } from './keys.js';
import { type Topology, topologySchema } from './model.js';

/** One thing that is wrong with a topology file. Line and column count from 1. */
export interface FileProblem {
  readonly line: number;
  readonly column: number;
  /** Dotted path; empty for the file as a whole. */
  readonly path: string;
  readonly message: string;
}

/** A topology, and what its file says itself: plain values of any shape. */
export interface ReadTopology {
  readonly topology: Topology;
  readonly given: unknown;
}

/** Reads and parses a topology file. Throws CF_TOPOLOGY_MISSING, or CF_TOPOLOGY_INVALID with every problem. */
export async function loadTopology(file: string): Promise<Topology> {
  return (await readTopology(file)).topology;
}

/** As `loadTopology`, with what the file says itself. */
export async function readTopology(file: string): Promise<ReadTopology> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new CamofleetError('CF_TOPOLOGY_MISSING', `${file} cannot be read: ${errorText(cause)}`, { file }, { cause });
  }
  const parsed = parseTopology(text);
  if ('topology' in parsed) return parsed;
  const lines = parsed.problems.map(
    ({ line, column, path, message }) => `${basename(file)}:${line}:${column} ${path}${path && ' '}${message}`,
  );
  throw new CamofleetError('CF_TOPOLOGY_INVALID', lines.join('\n'), { file, problems: lines });
}

/** Parses the text of a topology file: the topology, or all problems at once in the order of the file. */
export function parseTopology(text: string): ReadTopology | { readonly problems: readonly FileProblem[] } {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, logLevel: 'error' });
  const at = (offset: number): { line: number; column: number } => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  const yaml = yamlProblems(document, text).map(({ offset, message }) => ({ ...at(offset), path: '', message }));
  if (document.errors.some(({ code }) => code !== 'DUPLICATE_KEY')) return { problems: inOrder(yaml) };
  const values = valuesOf(document);
  if (!values.ok)
    return { problems: yaml.length > 0 ? inOrder(yaml) : [{ line: 1, column: 1, path: '', message: values.error }] };
  const result = topologySchema.safeParse(values.value, { reportInput: true });
  if (result.success && yaml.length === 0) return { topology: result.data, given: values.value };
  const model = (result.error?.issues ?? []).flatMap((issue) =>
    explain(issue).map(({ path, message, of }) => ({
      ...at(offsetOf(document.contents, path, of)),
      path: path.join('.'),
      message,
    })),
  );
  return { problems: inOrder([...yaml, ...model]) };
}

function inOrder(problems: readonly FileProblem[]): FileProblem[] {
  return problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
}

function yamlProblems(document: Document, text: string): { readonly offset: number; readonly message: string }[] {
  const problems = [...document.errors, ...document.warnings].map((error) => ({
    offset: error.pos[0],
    message: yamlMessage(error, text),
  }));
  visit(document, {
    Alias: (_key, node) => {
      if (node.resolve(document) === undefined)
        problems.push({ offset: node.range?.[0] ?? 0, message: `*${node.source} refers to nothing above it` });
    },
  });
  return problems;
}

function yamlMessage({ code, message, pos }: YAMLError, text: string): string {
  if (code === 'DUPLICATE_KEY') return `${/^[^\s:]*/.exec(text.slice(pos[0]))![0]} stands here a second time`;
  return `is not valid YAML: ${message.split('\n')[0]!.replace(/ at line \d+, column \d+:?$/, '')}`;
}

/** The file as plain values; aliases of aliases that grow without end are found only here. */
function valuesOf(document: Document): Result<unknown, string> {
  try {
    return ok(document.toJS() ?? {});
  } catch (error) {
    return err(errorText(error));
  }
}

type Path = readonly (string | number)[];

interface Explanation {
  readonly path: Path;
  readonly message: string;
  /** What it is about: the key, or its value. */
  readonly of: 'key' | 'value';
}

/** What an issue says to a person; unknown keys one by one, with the nearest valid name. */
function explain(issue: z.core.$ZodIssue): Explanation[] {
  const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)));
  if (issue.code !== 'unrecognized_keys') return [{ path, message: wording(issue, path), of: 'value' }];
  return issue.keys.map((key) => {
    const close = nearest(key, namesAt(path)) ?? elsewhere(key);
    return { path: [...path, key], message: `is not a setting${close ? `; did you mean ${close}?` : ''}`, of: 'key' };
  });
}

/** A name that is right, in the wrong place. */
function elsewhere(key: string): string | undefined {
  return topologyKeys().find(({ path }) => path.split('.').at(-1) === key)?.path;
}

function wording(issue: z.core.$ZodIssue, path: Path): string {
  const { input, code } = issue;
  if (code === 'invalid_key') return `is no name of a browser, which is ${BROWSER_NAME.want}`;
  if (input === undefined) return `is missing; it must be ${wantedAt(path)}`;
  if (input === null) return 'has no value; give it one, or remove the line';
  const close =
    code === 'invalid_value' && typeof input === 'string' ? nearest(input, issue.values.map(String)) : undefined;
  const got = typeof input === 'number' ? String(input) : JSON.stringify(input);
  return `must be ${wantedAt(path)}, got ${got}${close ? `; did you mean ${close}?` : ''}`;
}

/** Where a key or its value stands in the file; of what is not there, the nearest thing around it. */
function offsetOf(root: ParsedNode | null, path: Path, of: 'key' | 'value'): number {
  let node: unknown = root;
  let offset = root?.range?.[0] ?? 0;
  for (const part of path) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(part));
      if (!pair || !isScalar(pair.key)) return offset;
      offset = pair.key.range?.[0] ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(part)];
      offset = (node as ParsedNode | undefined)?.range?.[0] ?? offset;
    }
  }
  return of === 'value' && isScalar(node) && node.value !== null ? (node.range?.[0] ?? offset) : offset;
}
