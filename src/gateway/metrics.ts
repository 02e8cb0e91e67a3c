import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Admission } from './admission.js';
import { sessionClosed, sessionOpened, sessionRefused } from './events.js';

/** The gateway's metrics, counted from the facts that it announces. Returns the registry and the end of counting. */
export function countMetrics(admission: Admission): { readonly registry: Registry; readonly stop: () => void } {
  const registry = new Registry();
  const registers = [registry];
  new Gauge({
    name: 'camofleet_gateway_sessions',
    help: 'Sockets that are open or being opened.',
    registers,
    collect() {
      this.set(admission.taken);
    },
  });
  const refused = new Counter({
    name: 'camofleet_gateway_refused_total',
    help: 'Attempts refused before the upgrade.',
    labelNames: ['code'],
    registers,
  });
  const opened = new Counter({
    name: 'camofleet_gateway_opened_total',
    help: 'Sockets opened.',
    labelNames: ['rights'],
    registers,
  });
  const closed = new Counter({
    name: 'camofleet_gateway_closed_total',
    help: 'Sockets ended, by cause.',
    labelNames: ['cause'],
    registers,
  });
  const bytes = new Counter({
    name: 'camofleet_gateway_bytes_total',
    help: 'RFB bytes relayed.',
    labelNames: ['direction'],
    registers,
  });
  const opening = new Histogram({
    name: 'camofleet_gateway_opening_seconds',
    help: 'Dial, greeting and security handshake with the runner.',
    buckets: [0.005, 0.02, 0.1, 0.5, 1, 2.5, 5, 10],
    registers,
  });
  const ends = [
    sessionRefused.subscribe(({ code }) => refused.inc({ code })),
    sessionOpened.subscribe(({ rights, dialMs, greetingMs }) => {
      opened.inc({ rights });
      opening.observe((dialMs + greetingMs) / 1_000);
    }),
    sessionClosed.subscribe(({ cause, bytesUp, bytesDown }) => {
      closed.inc({ cause });
      bytes.inc({ direction: 'up' }, bytesUp);
      bytes.inc({ direction: 'down' }, bytesDown);
    }),
  ];
  return {
    registry,
    stop: () => {
      for (const end of ends) end();
    },
  };
}
