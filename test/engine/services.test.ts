import { describe, expect, test } from 'vitest';
import { chooseIngress } from '../../src/engine/local/services.ts';
import { type Topology, parseTopology } from '../../src/topology/index.ts';

function topologyOf(text: string): Topology {
  const parsed = parseTopology(text);
  if (!('topology' in parsed)) throw new Error(JSON.stringify(parsed.problems));
  return parsed.topology;
}

const ACME = 'tls: { mode: acme, email: a@example.com }\n';

describe('the ingress of a fleet', () => {
  test.each([
    ['', '/bin/traefik', 'traefik'],
    ['', undefined, 'embedded'],
    ['ingress: { kind: embedded }\n', '/bin/traefik', 'embedded'],
    ['ingress: { kind: traefik }\n', '/bin/traefik', 'traefik'],
    [ACME, '/bin/traefik', 'traefik'],
  ])('with %j and traefik at %s is %s', (text, traefik, ingress) => {
    expect(chooseIngress(topologyOf(text), traefik)).toBe(ingress);
  });

  test.each([
    ['ingress: { kind: traefik }\n', 'ingress.kind is traefik'],
    [ACME, 'tls.mode is acme'],
  ])('with %j and no traefik is refused', (text, why) => {
    expect(() => chooseIngress(topologyOf(text), undefined)).toThrow(
      expect.objectContaining({ code: 'CF_COMPONENT_MISSING', message: expect.stringContaining(why) }),
    );
  });
});
