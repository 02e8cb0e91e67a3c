/** What must not be in a file that is kept, by name. */
const FORBIDDEN = {
  'a token': /eyJ[A-Za-z0-9_-]{10,}/,
  'a query with a value': /[?&](?:token|password)=(?!x+\b)[^\s"&]/i,
  'a bearer': /bearer\s+(?!x+\b)[A-Za-z0-9._-]{8,}/i,
  'a password': /"(?:password|pw)"\s*:/i,
  'a private key': /-----BEGIN/,
  'a path of a host': /\/(?:home|root|tmp|Users|work\w*)\//,
  'an address of a host': /\b(?!127\.0\.0\.1\b)(?:10|172|192|100)\.\d{1,3}\.\d{1,3}\.\d{1,3}\b/,
};

/** The names of what a text (latin1) holds and must not; `words` are of this machine alone. */
export function leaksIn(text, words = []) {
  const found = Object.entries(FORBIDDEN).flatMap(([name, pattern]) => (pattern.test(text) ? [name] : []));
  return [...found, ...words.filter((word) => text.includes(word)).map(() => 'the name of a machine or folder')];
}
