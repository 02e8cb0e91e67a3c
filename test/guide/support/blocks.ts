/** The named blocks of a page of the guide, by name: what a reader would copy from it. */
export function blocksOf(page: string): ReadonlyMap<string, string> {
  const found = page.matchAll(/^```(\S+) (\S+)\n([\s\S]*?)^```$/gm);
  return new Map([...found].map(([, , name, text]) => [name!, text!]));
}
