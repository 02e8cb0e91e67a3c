import { type Document, LineCounter, isMap, parseDocument } from 'yaml';
import { CamofleetError } from '../core/index.js';
import type { Template } from './templates.js';

const HEADER =
  ' Rendered from camofleet.yaml by `camofleet render`. Do not edit: change the topology, or eject the templates.\n';

type Path = readonly string[];

/** A template as a document tree that is filled in: comments stay, values are never pasted into text. */
export class Form {
  readonly #document: Document;
  readonly #file: string;

  /** Throws CF_TEMPLATE_INVALID for a template that is no YAML. */
  constructor({ file, text }: Template) {
    const lines = new LineCounter();
    this.#document = parseDocument(text, { lineCounter: lines, logLevel: 'error' });
    this.#file = file;
    const problems = this.#document.errors.map(({ pos, message }) => {
      const { line, col } = lines.linePos(pos[0]);
      return `${file}:${line}:${col} ${message.split('\n')[0]!.replace(/ at line \d+, column \d+:?$/, '')}`;
    });
    if (problems.length > 0) throw new CamofleetError('CF_TEMPLATE_INVALID', problems.join('\n'), { file, problems });
  }

  has(...path: Path): boolean {
    return this.#document.hasIn(path);
  }

  set(path: Path, value: unknown): void {
    for (let depth = 0; depth < path.length; depth += 1) {
      const at = path.slice(0, depth);
      const node: unknown = this.#document.getIn(at, true);
      if (node !== undefined && node !== null && !isMap(node))
        throw new CamofleetError(
          'CF_TEMPLATE_INVALID',
          `${this.#file}: ${at.join('.') || 'the file'} must be a section, in which ${path.join('.')} is filled in`,
          { file: this.#file },
        );
    }
    this.#document.setIn(path, value);
  }

  remove(...path: Path): void {
    this.#document.deleteIn(path);
  }

  /** The text, under a line that says where it comes from. */
  toString(): string {
    const { commentBefore } = this.#document;
    this.#document.commentBefore = commentBefore ? `${HEADER}\n${commentBefore}` : HEADER.trimEnd();
    const text = this.#document.toString({ lineWidth: 0, flowCollectionPadding: false });
    this.#document.commentBefore = commentBefore;
    return text;
  }
}
