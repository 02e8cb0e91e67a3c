/** The configurations of four proxies that can stand in the ingress's place, from one topology. */
export { caddyExtract } from './caddy.js';
export { haproxyExtract, haproxyPem } from './haproxy.js';
export { nginxExtract } from './nginx.js';
export { SOCKET_HOURS } from './services.js';
