import { describe, expect, test } from 'vitest';
import { newTopologyText, violations } from '../../src/topology/index.ts';
import { topologyOf } from './support/topology.ts';

const NEW = { fleetId: 'lab', host: 'localhost', publicPort: undefined, shift: 0 };

describe('a new topology', () => {
  test('is the defaults, said aloud, and keeps every rule', () => {
    const topology = topologyOf(newTopologyText(NEW));
    expect(topology).toEqual(topologyOf('fleet: { id: lab }'));
    expect(violations(topology)).toEqual([]);
  });

  test('explains itself: every section has a comment', () => {
    const text = newTopologyText(NEW);
    expect(text).toMatch(/^# The topology of this fleet/);
    expect(text).toContain('camofleet config explain');
    for (const section of text.split(/^(?=[a-z]+:$)/m).slice(1, -1)) expect(section).toContain('  # ');
    expect(text).toContain('# edge:');
  });

  test('has no hole that was not filled', () => {
    expect(newTopologyText(NEW)).not.toMatch(/: (_|""|0)$/m);
  });

  test('carries the host and port that were asked for, whatever they look like', () => {
    const topology = topologyOf(newTopologyText({ ...NEW, fleetId: '0123', host: '::1', publicPort: 443 }));
    expect(topology).toMatchObject({ fleet: { id: '0123' }, public: { host: '::1', port: 443 } });
  });

  test.each([100, 1_000, 12_300, 50_000])(
    'shifted by %i shares no port, display or RFB port with an unshifted one',
    (shift) => {
      const [first, second] = [topologyOf(newTopologyText(NEW)), topologyOf(newTopologyText({ ...NEW, shift }))];
      expect(violations(second)).toEqual([]);
      const {
        public: { port },
        gateway,
        runner,
        control,
      } = second;
      expect([
        port,
        gateway.port,
        gateway.internalPort,
        gateway.basePort,
        runner.port,
        runner.internalPort,
        control.port,
        control.internalPort,
      ]).toEqual([8443, 6900, 6901, 5900, 8070, 8071, 9000, 9001].map((usual) => usual + shift));
      expect(runner.rfbPorts).toEqual({
        min: first.runner.rfbPorts.min + shift,
        max: first.runner.rfbPorts.max + shift,
      });
      expect(runner.displays.min % 100).toBe(0);
      expect(runner.legacyIds).toEqual(first.runner.legacyIds);
    },
  );
});
