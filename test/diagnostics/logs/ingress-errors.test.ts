import { expect, test } from 'vitest';
import { parseIngressErrors } from '../../../src/diagnostics/logs/index.ts';

/** As Traefik 3.7.15 writes them. */
const ESC = '\u001B';
const COLOURED = `${ESC}[90m2026-11-26T03:50:59Z${ESC}[0m ${ESC}[31mERR${ESC}[0m ${ESC}[36merror=${ESC}[0m${ESC}[31m${ESC}[1m"middleware \\"nobody@file\\" does not exist"${ESC}[0m${ESC}[0m ${ESC}[36mentryPointName=${ESC}[0mweb ${ESC}[36mrouterName=${ESC}[0mvnc@file`;
const JSON_LINE =
  '{"level":"error","entryPointName":"web","routerName":"v3@file","error":"error while parsing rule Path(`/a`","time":"2026-11-26T03:51:01Z"}';

test.each<[string, string, object | undefined]>([
  [
    'plain and coloured, of a router',
    COLOURED,
    { line: 2, router: 'vnc@file', text: 'middleware "nobody@file" does not exist' },
  ],
  ['in JSON', JSON_LINE, { line: 2, router: 'v3@file', text: 'error while parsing rule Path(`/a`' }],
  [
    'of a file as a whole',
    '2026-11-26T03:50:59Z ERR Error while building configuration error="field not found, node: bogus" providerName=file',
    { line: 2, router: undefined, text: 'Error while building configuration: field not found, node: bogus' },
  ],
  ['that is a warning', '2026-11-26T03:50:59Z WRN something', undefined],
  ['of an access log', '{"DownstreamStatus":404,"RouterName":"x"}', undefined],
  ['of a service of ours', '{"level":"error","event":"gateway.problem"}', undefined],
  ['cut off', '{"level":"error","routerN', undefined],
])('a line of the log of Traefik %s', (_what, line, expected) => {
  expect(parseIngressErrors(['noise', line])[0]).toEqual(expected);
});
