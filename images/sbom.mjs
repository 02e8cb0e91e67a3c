/**
 * usage: node sbom.mjs --npm FILE --debian FILE
 *        node sbom.mjs --name NAME --debian FILE
 *
 * Writes to stdout the bill of materials of an image, CycloneDX 1.5 as JSON: what `npm sbom` says of the package and its
 * production dependencies, the Node that runs this (with what is compiled into it), and the Debian packages of a dpkg
 * status file; by name, of an image without Node, these alone. Fails when an input is not what it should be: an incomplete
 * bill is worse than none.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { npm: { type: 'string' }, name: { type: 'string' }, debian: { type: 'string' } },
  strict: true,
});
const bill = values.npm === undefined ? billOf(values.name) : JSON.parse(readFileSync(values.npm, 'utf8'));
if (bill.bomFormat !== 'CycloneDX') throw new Error(`${values.npm} is no CycloneDX bill`);

const debian = readFileSync(values.debian, 'utf8')
  .split(/\n{2,}/)
  .map(fieldsOf)
  .filter(isInstalled)
  .map(debianComponent);
if (debian.length === 0) throw new Error(`${values.debian} names no installed package`);

const node = values.npm === undefined ? [] : [nodeComponent()];
const components = [...bill.components.map(withValidLinks), ...node, ...debian];
const { 'bom-ref': root } = bill.metadata.component;
// npm calls the package after its folder.
const metadata = { ...bill.metadata, component: { ...bill.metadata.component, name: root.replace(/@[^@]*$/, '') } };
const added = [...node, ...debian].map((component) => component['bom-ref']);
const dependencies = bill.dependencies.map((entry) =>
  entry.ref === root ? { ...entry, dependsOn: [...entry.dependsOn, ...added] } : entry,
);
const all = {
  ...bill,
  metadata,
  components,
  dependencies: [...dependencies, ...added.map((ref) => ({ ref, dependsOn: [] }))],
};
process.stdout.write(`${JSON.stringify(all, null, 1)}\n`);

/** A bill of nothing yet. */
function billOf(name) {
  if (!name) throw new Error('--npm or --name says what the bill is of');
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    serialNumber: `urn:uuid:${randomUUID()}`,
    version: 1,
    metadata: {
      timestamp: new Date().toISOString(),
      component: { type: 'application', 'bom-ref': name, name },
    },
    components: [],
    dependencies: [{ ref: name, dependsOn: [] }],
  };
}

/** npm passes on what packages say; a link must be a URL, and `git@host:path` is none. */
function withValidLinks(component) {
  const links = component.externalReferences?.map((link) => ({
    ...link,
    url: link.url.replace(/^([\w.-]+@[\w.-]+):(?!\/\/)/, 'ssh://$1/'),
  }));
  return { ...component, ...(links && { externalReferences: links.filter(({ url }) => URL.canParse(url)) }) };
}

/** The fields of one paragraph of a control file; continued lines are left out. */
function fieldsOf(paragraph) {
  const fields = paragraph.matchAll(/^([A-Z][A-Za-z-]*):[ \t]*(.*)$/gm);
  return Object.fromEntries([...fields].map(([, name, value]) => [name, value]));
}

function isInstalled({ Package: name, Status: status }) {
  return name !== undefined && status?.endsWith(' installed');
}

function debianComponent({
  Package: name,
  Version: version,
  Architecture: arch,
  Source: source,
  Maintainer: maintainer,
}) {
  const purl = `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(version)}?arch=${arch}`;
  return {
    type: 'library',
    'bom-ref': purl,
    ...(maintainer && { supplier: { name: maintainer.replace(/\s*<.*/, '') } }),
    name,
    version,
    scope: 'required',
    purl,
    properties: [{ name: 'camofleet:debian:source', value: (source ?? name).split(' ')[0] }],
  };
}

/** Node, with the libraries inside it as parts of it: OpenSSL, V8, zlib and the others, by Node's own account. */
function nodeComponent() {
  const { node: version, modules: _abi, napi: _napi, ...parts } = process.versions;
  const purl = `pkg:generic/node@${version}`;
  return {
    type: 'platform',
    'bom-ref': purl,
    name: 'node',
    version,
    scope: 'required',
    purl,
    externalReferences: [{ type: 'website', url: 'https://nodejs.org' }],
    components: Object.entries(parts).map(([name, partVersion]) => ({
      type: 'library',
      'bom-ref': `${purl}#${name}`,
      name,
      ...(partVersion && { version: partVersion }), // Node does not tell all of them
    })),
  };
}
