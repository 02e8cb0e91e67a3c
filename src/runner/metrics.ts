import { Gauge, Registry } from 'prom-client';
import type { Sessions } from './sessions.js';

/** The metrics of a runner, as they are served. */
export function metricsOf(sessions: Sessions): () => Promise<{ status: number; type: string; text: string }> {
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
  return async () => ({ status: 200, type: registry.contentType, text: await registry.metrics() });
}
