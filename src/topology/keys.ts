import { z } from 'zod';
import { topologySchema } from './model.js';

/** One key of camofleet.yaml that has a value. */
export interface Key {
  /** Dotted. */
  readonly path: string;
  /** What a value must be, in words. */
  readonly want: string;
  readonly doc: string;
}

type Path = readonly (string | number)[];

/** Every key that a topology may hold, in the order of the model. */
export function topologyKeys(): readonly Key[] {
  return leaves(topologySchema, '');
}

/** The valid names at a place of the model; none where names are free or there is no such place. */
export function namesAt(path: Path): readonly string[] {
  const schema = bare(schemaAt(path));
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

/** What the value at a place must be, in words. */
export function wantedAt(path: Path): string {
  const schema = schemaAt(path);
  return wantOf(schema) ?? (path.length === 0 ? 'a section of keys and values' : kindOf(bare(schema)));
}

function leaves(schema: z.core.$ZodType, path: string): Key[] {
  const inner = bare(schema);
  const below = (key: string): string => (path === '' ? key : `${path}.${key}`);
  if (inner instanceof z.ZodObject)
    return Object.entries<z.core.$ZodType>(inner.shape).flatMap(([key, value]) => leaves(value, below(key)));
  return [{ path, want: wantOf(schema) ?? kindOf(inner), doc: docOf(schema) ?? '' }];
}

function schemaAt(path: Path): z.core.$ZodType | undefined {
  return path.reduce<z.core.$ZodType | undefined>((schema, part) => {
    const inner = bare(schema);
    if (inner instanceof z.ZodObject) return inner.shape[part] as z.core.$ZodType | undefined;
    if (inner instanceof z.ZodArray) return inner.element;
    return inner instanceof z.ZodRecord ? inner.valueType : undefined;
  }, topologySchema);
}

/** Without defaults and optionality. */
function bare(schema: z.core.$ZodType | undefined): z.core.$ZodType | undefined {
  return schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional
    ? bare(schema.def.innerType)
    : schema;
}

/** The outermost thing that is said about a schema. */
function said(schema: z.core.$ZodType | undefined, name: 'want' | 'description'): string | undefined {
  if (schema === undefined) return undefined;
  const found = z.globalRegistry.get(schema)?.[name];
  if (typeof found === 'string') return found;
  const inner = schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional;
  return inner ? said(schema.def.innerType, name) : undefined;
}

const wantOf = (schema: z.core.$ZodType | undefined): string | undefined => said(schema, 'want');
const docOf = (schema: z.core.$ZodType | undefined): string | undefined => said(schema, 'description');

function kindOf(schema: z.core.$ZodType | undefined): string {
  if (schema instanceof z.ZodObject) return `a section of ${Object.keys(schema.shape).join(', ')}`;
  if (schema instanceof z.ZodRecord) return `a section of names, each with ${kindOf(bare(schema.valueType))}`;
  if (!(schema instanceof z.ZodArray)) return 'text';
  const items = bare(schema.element);
  return items instanceof z.ZodObject ? `a list, each item ${kindOf(items)}` : 'a list';
}
