/**
 * Node's HTTP as CommonJS gives it. An `import` of `node:http` reads every one of its names, and with some of them loads
 * Node's own fetch, HTTP/2 and worker threads: 10 MB of memory, for nothing that is used here. Its types cost nothing.
 */
export function nodeHttp(): typeof import('node:http') {
  return process.getBuiltinModule('node:http');
}
