/** What a browser needs a file of a page for. */
export type AssetKind = 'script' | 'module' | 'style';

export interface Reference {
  readonly url: URL;
  readonly kind: AssetKind;
}

const SCRIPTS = /<script\b([^>]*)>(?:([\s\S]*?)<\/script>|)/gi;
const LINKS = /<link\b([^>]*)>/gi;
const ATTRIBUTE = /\b(src|href|rel|type)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))/gi;
/** A statement that imports, or exports from, another module; a bare name is none that a page can load. */
const IMPORT =
  /(?:^|[;}\n])\s*(?:import|export)\s*(?:[\w*${},\s]*?\bfrom\s*)?["']((?:\.{0,2}\/|https?:\/\/)[^"'\s]+)["']/g;
const META = /<meta\b[^>]*http-equiv\s*=\s*["']?content-security-policy["']?[^>]*>/gi;

/** Scripts and style sheets that a page names, and what modules that stand in it import. */
export function referencesOf(html: string, page: URL): readonly Reference[] {
  const links = [...html.matchAll(LINKS)].flatMap(([, attributes = '']) => {
    const { href, rel = '' } = attributesOf(attributes);
    const kind = kindOfLink(rel);
    return kind === undefined || href === undefined ? [] : resolved(href, page, kind);
  });
  const scripts = [...html.matchAll(SCRIPTS)].flatMap(([, attributes = '', code = '']) => {
    const { src, type } = attributesOf(attributes);
    if (src !== undefined) return resolved(src, page, type === 'module' ? 'module' : 'script');
    return type === 'module' ? importsOf(code, page) : [];
  });
  return [...links, ...scripts];
}

/** What a module imports by path or by URL. */
export function importsOf(code: string, from: URL): readonly Reference[] {
  return [...code.matchAll(IMPORT)].flatMap(([, name = '']) => resolved(name, from, 'module'));
}

/** The policies that stand in a page. */
export function metaPolicies(html: string): readonly string[] {
  return [...html.matchAll(META)].flatMap(([tag]) => {
    const [, double, single] = /\bcontent\s*=\s*(?:"([^"]*)"|'([^']*)')/i.exec(tag) ?? [];
    return double ?? single ?? [];
  });
}

export function isScript(type: string): boolean {
  return /(?:java|ecma)script/i.test(type);
}

function attributesOf(text: string): Partial<Readonly<Record<string, string>>> {
  const found = [...text.matchAll(ATTRIBUTE)].map(
    ([, name = '', double, single, bare]) =>
      [name.toLowerCase(), (double ?? single ?? bare ?? '').replaceAll('&amp;', '&')] as const,
  );
  return Object.fromEntries(found.toReversed()); // of two the first counts
}

function kindOfLink(rel: string): AssetKind | undefined {
  const words = rel.toLowerCase().split(/\s+/);
  if (words.includes('modulepreload')) return 'module';
  return words.includes('stylesheet') && !words.includes('alternate') ? 'style' : undefined;
}

function resolved(reference: string, base: URL, kind: AssetKind): Reference[] {
  if (!URL.canParse(reference, base.href)) return [];
  const url = new URL(reference, base);
  url.hash = '';
  return /^https?:$/.test(url.protocol) ? [{ url, kind }] : [];
}
