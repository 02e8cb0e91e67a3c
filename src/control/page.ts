import { readFileSync, readdirSync } from 'node:fs';
import { extname, join } from 'node:path';
import type { FastifyInstance, FastifyReply } from 'fastify';

/** The built fleet page and what it must know. */
export interface FleetPage {
  readonly root: string;
  /** Where the API lies for a browser: `/api` behind the ingress. */
  readonly apiPrefix: string;
  readonly version: string;
}

const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** `/` leads to `/ui/`; the page itself holds no data, what it shows comes from the API. */
export function mountPage(app: FastifyInstance, page: FleetPage): void {
  const html = readFileSync(join(page.root, 'index.html'));
  const folder = join(page.root, '~assets');
  const assets = new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))]));
  const hidden = { schema: { hide: true } };

  app.get('/', hidden, async (_request, reply) => reply.redirect('ui/', 302));
  app.get('/ui', hidden, async (_request, reply) => reply.redirect('ui/', 302));
  app.get('/ui/', hidden, async (_request, reply) =>
    secure(reply)
      .header('content-security-policy', POLICY)
      .header('cache-control', 'no-store')
      .type('text/html; charset=utf-8')
      .send(html),
  );
  app.get('/ui/config.json', hidden, async (_request, reply) =>
    secure(reply).header('cache-control', 'no-store').send({ apiPrefix: page.apiPrefix, version: page.version }),
  );
  app.get<{ Params: { name: string } }>('/ui/~assets/:name', hidden, async ({ params }, reply) => {
    const asset = assets.get(params.name);
    if (!asset) return reply.callNotFound();
    return secure(reply)
      .header('cache-control', 'public, max-age=31536000, immutable')
      .type(TYPES[extname(params.name)] ?? 'application/octet-stream')
      .send(asset);
  });
}

function secure(reply: FastifyReply): FastifyReply {
  return reply.header('x-content-type-options', 'nosniff').header('referrer-policy', 'no-referrer');
}
