import { once } from 'node:events';
import { type IncomingMessage, type RequestListener, type ServerResponse, createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { type FetchOptions, type PageFacts, fetchPage } from '../../../src/diagnostics/probe/page.ts';
import { certificateFor } from './support/peer.ts';

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    await expect.poll(() => connections(server), { timeout: 5_000, interval: 5 }).toBe(0);
    server.close();
  }
});

const connections = (server: Server): Promise<number> =>
  new Promise((resolve, reject) => server.getConnections((error, count) => (error ? reject(error) : resolve(count))));

async function listen(server: Server): Promise<number> {
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

const serving = (listener: RequestListener): Promise<number> => listen(createServer(listener));

type Route = (request: IncomingMessage, response: ServerResponse) => void;

/** A server of a few paths; others are 404. */
const routes =
  (paths: Readonly<Record<string, Route>>): RequestListener =>
  (request, response) => {
    const route = paths[request.url ?? ''];
    if (route) route(request, response);
    else response.writeHead(404).end('404 page not found');
  };

const sends =
  (body: string, type: string, headers: Readonly<Record<string, string>> = {}): Route =>
  (_request, response) =>
    void response.writeHead(200, { 'content-type': type, ...headers }).end(body);

const moves =
  (location: string): Route =>
  (_request, response) =>
    void response.writeHead(302, { location }).end();

function fetched(url: string, options: Partial<FetchOptions> = {}): Promise<PageFacts> {
  const signal = options.signal ?? AbortSignal.timeout(5_000);
  return fetchPage(new URL(url), { ca: undefined, insecure: false, resolve: new Map(), ...options, signal });
}

const PAGE = `<!doctype html><link rel="stylesheet" href="/a.css"><link rel=stylesheet href='deep/b.css?v=1&amp;w=2'>
<script type="module" src="./c.js"></script><script src="http://127.0.0.1:1/d.js"></script><script>inline()</script>
<meta http-equiv="Content-Security-Policy" content="default-src 'self'"><link rel="icon" href="/no.ico">
<img src="/not-looked-at.png"><link rel="stylesheet" href="data:text/css,x">`;

describe('a page', () => {
  test('is fetched with the scripts and styles that it names', async () => {
    const port = await serving(
      routes({
        '/vnc/a': sends(PAGE, 'text/html', {
          'content-security-policy': "connect-src 'self'",
          'x-frame-options': 'DENY',
        }),
        '/a.css': sends('a', 'text/css'),
        '/vnc/deep/b.css?v=1&w=2': sends('b', 'text/css'),
      }),
    );
    const at = `http://127.0.0.1:${port}`;
    expect(await fetched(`${at}/vnc/a#token=secret`)).toEqual({
      status: 200,
      type: 'text/html',
      policy: "connect-src 'self'",
      metaPolicy: "default-src 'self'",
      frameOptions: 'DENY',
      assets: [
        { url: `${at}/a.css`, kind: 'style', status: 200, type: 'text/css', bytes: 1 },
        { url: `${at}/vnc/deep/b.css`, kind: 'style', status: 200, type: 'text/css', bytes: 1 },
        { url: `${at}/vnc/c.js`, kind: 'module', status: 404, type: '', bytes: 18 },
        {
          url: 'http://127.0.0.1:1/d.js',
          kind: 'script',
          status: 0,
          type: expect.stringContaining('ECONNREFUSED'),
          bytes: 0,
        },
      ],
    });
  });

  test('is fetched with what its modules import, each file once', async () => {
    const port = await serving(
      routes({
        '/': sends('<script type="module">import RFB from "./core/rfb.js";</script>', 'text/html'),
        '/core/rfb.js': sends(
          "import a from './a.js'; // from 'nothing'\nexport { b } from \"../b.js\";",
          'text/javascript',
        ),
        '/core/a.js': sends("import '/core/rfb.js';", 'text/javascript'),
      }),
    );
    const { assets } = await fetched(`http://127.0.0.1:${port}/`);
    expect(assets.map(({ url, status }) => [new URL(url).pathname, status])).toEqual([
      ['/core/rfb.js', 200],
      ['/core/a.js', 200],
      ['/b.js', 404],
    ]);
  });

  test('names at most 100 files that are looked at', async () => {
    let asked = 0;
    const many = Array.from({ length: 150 }, (_, at) => `<script src="/${at}.js"></script>`).join('');
    const port = await serving((request, response) => {
      if (request.url !== '/') asked += 1;
      response.end(request.url === '/' ? many : 'x');
    });
    expect((await fetched(`http://127.0.0.1:${port}/`)).assets).toHaveLength(100);
    expect(asked).toBe(100);
  });

  test('is followed through redirects within its host, and no further', async () => {
    const port = await serving(
      routes({
        '/old': moves('/older'),
        '/older': moves('new/'),
        '/new/': sends('<script src="x.js"></script>', 'text/html'),
        '/new/x.js': sends('1', 'text/javascript'),
        '/login': moves('https://login.example/'),
        '/loop': moves('/loop'),
        '/bad': moves('http://['),
      }),
    );
    const at = (path: string): Promise<PageFacts> => fetched(`http://127.0.0.1:${port}${path}`);
    expect(await at('/old')).toMatchObject({
      status: 200,
      assets: [{ url: expect.stringMatching(/\/new\/x\.js$/), status: 200 }],
    });
    expect(await at('/login')).toMatchObject({ status: 302, assets: [] });
    expect(await at('/loop')).toMatchObject({ status: 302 });
    expect(await at('/bad')).toMatchObject({ status: 302 });
  });

  test('without an end is read for one megabyte', async () => {
    const port = await serving((request, response) => {
      if (request.url !== '/') return void response.end('x');
      response.write('<script src="/first.js"></script>');
      const more = (): void => {
        while (response.write(Buffer.alloc(65_536, 32)));
      };
      response.on('drain', more);
      more();
    });
    expect(await fetched(`http://127.0.0.1:${port}/`)).toMatchObject({
      status: 200,
      assets: [{ url: expect.stringMatching(/first/) }],
    });
  });

  test('whose file is cut off is told with that file', async () => {
    const port = await serving(
      routes({
        '/': sends('<script src="/cut.js"></script><script src="/good.js"></script>', 'text/html'),
        '/cut.js': (_request, response) => {
          response.writeHead(200, { 'content-length': '100' });
          response.write('half');
          setTimeout(() => response.destroy(), 20);
        },
        '/good.js': sends('x', 'text/javascript'),
      }),
    );
    const { status, assets } = await fetched(`http://127.0.0.1:${port}/`);
    expect(status).toBe(200);
    expect(assets).toMatchObject([
      { url: expect.stringMatching(/cut/), status: 0 },
      { url: expect.stringMatching(/good/), status: 200 },
    ]);
  });

  test.each<[string, RequestListener, RegExp]>([
    ['is never answered', () => {}, /abort|timeout/i],
    [
      'is answered by a reset',
      (request) => void request.socket.resetAndDestroy(),
      /ECONNRESET|other side closed|UND_ERR_SOCKET/,
    ],
    ['has a body that never ends', (_request, response) => void response.write('<html>'), /abort|timeout/i],
  ])('that %s is a failure in words', async (_name, listener, failure) => {
    const port = await serving(listener);
    const page = await fetched(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(300) });
    expect(page).toMatchObject({ status: 0, assets: [] });
    expect(page.failure).toMatch(failure);
  });

  test('on a port where nothing listens is a failure in words', async () => {
    const server = createServer();
    const port = await listen(server);
    servers.pop();
    await new Promise((resolve) => server.close(resolve));
    expect((await fetched(`http://127.0.0.1:${port}/`)).failure).toContain('ECONNREFUSED');
  });

  test('over TLS needs a trusted certificate for its name, unless told otherwise', async () => {
    const certificate = await certificateFor(['fleet.invalid']);
    const port = await listen(createTlsServer(certificate, sends('page', 'text/html')));
    const host = `fleet.invalid:${port}`;
    const resolve = new Map([[host, '127.0.0.1']]);
    expect((await fetched(`https://${host}/`, { resolve, ca: certificate.ca })).status).toBe(200);
    expect((await fetched(`https://${host}/`, { resolve })).failure).toMatch(/SELF_SIGNED|self.signed/i);
    expect((await fetched(`https://${host}/`, { resolve, insecure: true })).status).toBe(200);
    const other = await fetched(`https://127.0.0.1:${port}/`, { ca: certificate.ca });
    expect(other.failure).toMatch(/ALTNAME|altnames/);
  });

  test('goes where its host and port are told to be, each port by itself', async () => {
    const [first, second] = [await serving(sends('', 'text/first')), await serving(sends('', 'text/second'))];
    const resolve = new Map([
      [`fleet.invalid:${first}`, '127.0.0.1'],
      [`fleet.invalid:${second}`, '127.0.0.1'],
    ]);
    expect((await fetched(`http://fleet.invalid:${first}/`, { resolve })).type).toBe('text/first');
    expect((await fetched(`http://fleet.invalid:${second}/`, { resolve })).type).toBe('text/second');
    const elsewhere = new Map([[`fleet.invalid:${first + 1}`, '127.0.0.1']]);
    expect((await fetched(`http://fleet.invalid:${first}/`, { resolve: elsewhere })).failure).toMatch(/fleet\.invalid/);
  });
});
