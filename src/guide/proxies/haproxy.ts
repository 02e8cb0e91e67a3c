import { ROUTES } from '../../topology/index.js';
import type { GuideSubject } from '../subject.js';
import { SOCKET_HOURS, siteOf, timer } from './services.js';

/** A whole haproxy.cfg: the public routes, and no others. */
export function haproxyExtract(subject: GuideSubject): string {
  const { bind, port, gateway, control } = siteOf(subject, 'haproxy');
  const { dialTimeoutMs, readTimeoutMs, responseHeaderTimeoutMs } = subject.topology.ingress;
  const { viewerPrefix, socketPath, apiPrefix, uiPrefix } = ROUTES;
  return `global
  log stdout format raw local0
  ssl-default-bind-options ssl-min-ver TLSv1.2

defaults
  mode http
  log global
  timeout connect ${timer(dialTimeoutMs)}
  timeout http-request ${timer(readTimeoutMs)}
  timeout client ${timer(readTimeoutMs)}
  timeout server ${timer(responseHeaderTimeoutMs)}
  # The clock of an open socket. Without it the two above cut a still screen.
  timeout tunnel ${SOCKET_HOURS}h
  # A socket of which one side has ended.
  timeout client-fin 30s
  timeout server-fin 30s

frontend websecure
  # Browsers upgrade over HTTP/1.1.
  bind ${bind || '*'}:${port} ssl crt ${subject.pem} alpn http/1.1
  # The usual HTTP format, but for the query, which holds the token. The key in braces joins this line with the gateway's.
  http-request capture req.hdr(Sec-WebSocket-Key) len 32
  log-format '%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq %hr "%HM %HPO %HV"'
  # HAProxy is the first proxy: what strangers claim is overwritten, not added to.
  http-request set-header X-Forwarded-For %[src]
  http-request set-header X-Forwarded-Host %[req.hdr(Host)]
  http-request set-header X-Forwarded-Proto https
  http-request del-header Forwarded
  acl to-gateway path ${socketPath}
  acl to-gateway path_beg ${viewerPrefix}
  acl to-control path / ${apiPrefix} ${uiPrefix}
  acl to-control path_beg ${apiPrefix}/ ${uiPrefix}/
  # Health, metrics and administration are nobody's business out here.
  http-request return status 404 unless to-gateway or to-control
  use_backend gateway if to-gateway
  default_backend control

backend gateway
  # Nothing is stripped.
  server gateway ${gateway}

backend control
  # ${apiPrefix} is taken away.
  http-request replace-path ^${apiPrefix}/?(.*) /\\1
  server control ${control}
`;
}

/** The command that makes the file which HAProxy reads chain and key from. */
export function haproxyPem({ placement, pem }: GuideSubject): string {
  return `(umask 077; cat ${placement.ingress.certificate} ${placement.ingress.key} > ${pem})`;
}
