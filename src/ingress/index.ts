/**
 * The embedded ingress: ends TLS, routes as our Traefik does and writes the same access-log fields, where no Traefik is
 * installed. It knows the routes and nothing of the services behind them.
 */
export { INGRESS_CHANNELS } from './events.js';
export { type Ingress, startIngress } from './server.js';
