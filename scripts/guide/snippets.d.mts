/** code-snippets.md: each declaration as it stands in its file. Throws when one is no longer there. */
export function codeSnippets(root: string): string;
