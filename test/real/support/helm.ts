import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { parseAllDocuments, stringify } from 'yaml';

export const CHART = join(import.meta.dirname, '..', '..', '..', 'charts', 'camofleet');
/** A helm that was built from its module says of itself that it is for a very old Kubernetes. */
const KUBERNETES = '1.37.0';

/** A Kubernetes object, as far as tests look into one. */
export interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
  // oxlint-disable-next-line typescript/no-explicit-any -- each kind has a shape of its own, validated by kubernetes-validate
  readonly spec?: any;
}

export interface Rendered {
  readonly text: string;
  readonly manifests: readonly Manifest[];
  /** The one object of a kind and name; the release is called `rel`. */
  one(kind: string, name: string): Manifest;
}

/** What `helm template rel` makes of values, in the namespace `fleet`. Throws what helm says. */
export function helmTemplate(values: object): Rendered {
  const args = ['template', 'rel', CHART, '--namespace', 'fleet', '--kube-version', KUBERNETES, '--values', '-'];
  const { status, stdout, stderr } = spawnSync('helm', args, { encoding: 'utf8', input: stringify(values) });
  if (status !== 0) throw new Error(stderr);
  const manifests = parseAllDocuments(stdout).map((document) => document.toJS() as Manifest);
  return {
    text: stdout,
    manifests,
    one: (kind, name) => {
      const found = manifests.filter((object) => object.kind === kind && object.metadata.name === name);
      if (found.length !== 1) throw new Error(`${found.length} of ${kind} ${name}`);
      return found[0]!;
    },
  };
}

/** What kubernetes-validate says of YAML: what is wrong, and which kinds it has no schema for. */
export function validate(text: string): { readonly problems: string; readonly unknownKinds: readonly string[] } {
  const { status, stdout, stderr } = spawnSync('kubernetes-validate', ['--strict', '-k', KUBERNETES, '-'], {
    encoding: 'utf8',
    input: text,
  });
  const said = `${stdout}${stderr}`;
  const unknownKinds = [...said.matchAll(/Couldn't find schema for kind (\S+)/g)].map((match) => match[1]!);
  return { problems: status === 0 ? '' : said, unknownKinds };
}
