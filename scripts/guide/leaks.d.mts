/** The names of what a text (latin1) holds and must not; `words` are of this machine alone. */
export function leaksIn(text: string, words?: readonly string[]): readonly string[];
