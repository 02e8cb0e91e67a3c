/** The hops of the path, in path order. A fault belongs to the hop that is to blame, not to the one that reports it. */
export const HOPS = [
  'viewer',
  'dns',
  'network',
  'tls',
  'edge',
  'traefik',
  'gateway',
  'runner',
  'browser',
  'control',
] as const;

export type Hop = (typeof HOPS)[number];

/** What each hop is, in words. */
export const HOP_NAMES: Readonly<Record<Hop, string>> = {
  viewer: "the user's own browser and the noVNC page in it",
  dns: 'the name of the public host',
  network: 'packets between any two hops',
  tls: 'certificates and the TLS handshake',
  edge: 'anything in front of Traefik: nginx, HAProxy, a CDN, a load balancer',
  traefik: 'Traefik, or the embedded ingress in its place',
  gateway: 'the camofleet gateway between WebSocket and RFB',
  runner: 'x11vnc, Xvfb, the test card, and the container they live in',
  browser: 'the remote browser under automation',
  control: 'the control plane and orchestration',
};
