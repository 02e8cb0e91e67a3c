import { type Server, createServer } from 'node:http';
import { Gauge, Registry } from 'prom-client';
import type { Sessions } from './sessions.js';

/** The internal listener: metrics, and nothing else. */
export function buildMetrics(sessions: Sessions): Server {
  const registry = new Registry();
  new Gauge({
    name: 'camofleet_runner_sessions',
    help: 'Sessions by what they are there for: asked for by somebody, or prewarmed.',
    labelNames: ['use'],
    registers: [registry],
    collect() {
      this.set({ use: 'asked' }, sessions.inUse);
      this.set({ use: 'prewarmed' }, sessions.count - sessions.inUse);
    },
  });
  return createServer((request, response) => {
    if (request.url !== '/metrics') return void response.writeHead(404).end();
    void registry.metrics().then((text) => response.writeHead(200, { 'content-type': registry.contentType }).end(text));
  });
}
