import type { Hop } from '../core/index.js';

/** What a right verdict of a fault holds: the hop that is at fault, and the setting that cures it. */
export interface Answer {
  readonly hop: Hop;
  /** The remedy of the first finding must say this. */
  readonly remedy: RegExp;
  /** The remedy in words, for people. */
  readonly cure: string;
  /** `info`: nothing is broken, and the finding says so; verify passes. */
  readonly severity?: 'info';
}

/**
 * The answers of the atlas. Written from the atlas, not from what diagnostics says, which may not import this. A remedy is
 * matched by the name of the setting or by what is to be done.
 */
export const ANSWERS: Readonly<Record<string, Answer>> = {
  F01: {
    hop: 'viewer',
    remedy: /wss|relative|same scheme|https/i,
    cure: 'Hand out wss://, from one public base; or a relative URL; noVNC encrypt=1',
  },
  F02: {
    hop: 'viewer',
    remedy: /connect-src|frame-ancestors|frameDeny|customFrameOptionsValue/i,
    cure: "connect-src 'self' plus the wss origin; frame-ancestors plus the origin of the UI; drop frameDeny",
  },
  F03: {
    hop: 'viewer',
    remedy: /relative|priority|bundle|route/i,
    cure: 'Relative URLs of assets and socket, noVNC bundled; or routers for those paths above the catch-all',
  },
  F04: {
    hop: 'viewer',
    remedy: /path|prefix|public base/i,
    cure: 'Build the path of the socket once, from the public base, and resolve it relative to the page',
  },
  F05: {
    hop: 'gateway',
    remedy: /subprotocol|Sec-WebSocket-Protocol/i,
    cure: 'Select exactly one of the offered subprotocols, or none where none was offered',
  },
  F09: {
    hop: 'tls',
    remedy: /certResolver|certificate|tls\.stores|tls\.mode|acme/i,
    cure: 'tls.certResolver or a certificate for that host; tls.stores.default; the same host and port for page and socket',
  },
  F10: {
    hop: 'traefik',
    remedy: /redirect|wss:\/\//i,
    cure: 'Hand out the final wss URL; no redirect on the router of the socket; port in redirectScheme; forwardedHeaders.trustedIPs',
  },
  F11: {
    hop: 'edge',
    remedy: /Upgrade|proxy_http_version/i,
    cure: 'nginx: proxy_http_version 1.1, Upgrade and Connection passed on; Apache: mod_proxy_wstunnel; CDN: WebSockets on',
  },
  F12: {
    hop: 'edge',
    remedy: /proxy_read_timeout|ping/i,
    cure: 'proxy_read_timeout and proxy_send_timeout 3600s, and a WebSocket ping every 20 to 25 s',
  },
  F15: { hop: 'edge', remedy: /ping|CDN/i, cure: 'A WebSocket ping under 100 s; the VNC host past the CDN; reconnect' },
  F17: {
    hop: 'edge',
    remedy: /reload|worker.shutdown.timeout/i,
    cure: 'worker-shutdown-timeout up; fewer reloads; reconnect',
  },
  F19: {
    hop: 'traefik',
    remedy: /scheme|serversTransport|proxyProtocol/i,
    cure: 'loadbalancer.server.scheme=https with a serversTransport, or http; proxyProtocol.trustedIPs',
  },
  F20: {
    hop: 'traefik',
    remedy: /rule|router|route|ruleSyntax|dynamic/i,
    cure: 'v3 syntax of the rule, one matcher a call, or core.defaultRuleSyntax=v2; services and middlewares that exist',
  },
  F21: {
    hop: 'traefik',
    remedy: /priority|router|route/i,
    cure: 'An explicit priority and an exact path on the router of the socket',
  },
  F23: {
    hop: 'traefik',
    remedy: /network|firewall|dialTimeout/i,
    cure: 'traefik.docker.network, or a network that both share; dialTimeout 5s to fail sooner',
  },
  F24: {
    hop: 'traefik',
    remedy: /port|listen|0\.0\.0\.0|address|gateway/i,
    cure: 'The gateway listening on 0.0.0.0 at the port of the service; a readiness probe that opens that port',
  },
  F25: {
    hop: 'gateway',
    remedy: /responseHeaderTimeout|restart|watchdog|liveness|dial timeout/i,
    cure: 'forwardingTimeouts.responseHeaderTimeout 10s; a dial timeout and a watchdog in the gateway; liveness on its loop',
  },
  F28: {
    hop: 'traefik',
    remedy: /http2|h2|alpnProtocols|3\.2\.5|3\.3\.1/i,
    cure: 'Traefik 3.2.5, 3.3.1 or later; or alpnProtocols: [http/1.1]',
  },
  F29: { hop: 'traefik', remedy: /middleware|plugin/i, cure: 'That middleware off the router of the socket' },
  F31: {
    hop: 'traefik',
    remedy: /auth/i,
    cure: 'The authentication on the page, a signed token on the socket; the same cookie domain',
  },
  F33: {
    hop: 'traefik',
    remedy: /graceTime|requestAcceptGraceTimeout|stop_grace_period|terminationGrace/i,
    cure: 'lifeCycle.requestAcceptGraceTimeout and graceTimeOut, a stop timeout above their sum; start-first updates',
  },
  F34: {
    hop: 'traefik',
    remedy: /statusCodes|filter/i,
    cure: 'accessLog in JSON without filters.statusCodes (or with 0 in it); headers of the handshake kept',
    severity: 'info',
  },
  F35: {
    hop: 'traefik',
    remedy: /sticky|shared|stateless|same .*keys|token/i,
    cure: 'A shared registry or signed tokens that need none; else loadBalancer.sticky.cookie on both routers',
  },
  F87: {
    hop: 'traefik',
    remedy: /base64url|percent|%3B|encodeQuerySemicolons/i,
    cure: 'Tokens in base64url; else %3B, or http.encodeQuerySemicolons on the entry point',
  },
  F36: {
    hop: 'gateway',
    remedy: /limit|maxSessions|capacity|accept|503/i,
    cure: 'Accept and close with 1013 and the reason, or 503 with Retry-After; raise the limit',
  },
  F37: {
    hop: 'gateway',
    remedy: /range|registry|id/i,
    cure: 'One source of truth for the range of ids, checked at start; opaque ids',
  },
  F38: {
    hop: 'gateway',
    remedy: /target|dial/i,
    cure: 'Dial before the upgrade is accepted and answer 502 or 504; mend the target',
  },
  F40: {
    hop: 'gateway',
    remedy: /read timeout|both directions|ping/i,
    cure: 'An idle clock over both directions; no timeout of reads; pings every 20 to 25 s',
  },
  F42: {
    hop: 'gateway',
    remedy: /ping/i,
    cure: "The server's own ping (ws_ping_interval=20), and a test for pings on the wire",
  },
  F43: {
    hop: 'gateway',
    remedy: /ping timeout|pong|queue/i,
    cure: 'A ping timeout of 60 s, a bounded queue, less picture on thin links',
  },
  F44: {
    hop: 'gateway',
    remedy: /first cause|initiator|reason/i,
    cure: 'The gateway must record the first cause, then unwind; log who ended, code and bytes',
  },
  F45: {
    hop: 'gateway',
    remedy: /permessage-deflate|Sec-WebSocket-Extensions|compression/i,
    cure: 'Negotiate each leg by itself; permessage-deflate off',
  },
  F46: {
    hop: 'gateway',
    remedy: /target/i,
    cure: 'The right target; the greeting checked by the gateway before it is shown',
  },
  F47: {
    hop: 'gateway',
    remedy: /id|cookie|token/i,
    cure: 'Only an explicit, signed id in the URL may choose the target',
  },
  F49: {
    hop: 'gateway',
    remedy: /nofile|descriptor|keepalive/i,
    cure: 'Keepalive, pings with a deadline, sockets ended on end, nofile 65536',
  },
  F50: {
    hop: 'gateway',
    remedy: /drain|grace|restart|supervisor|ended/i,
    cure: 'Drain on SIGTERM with 1012, a stop grace above it, more than one replica',
  },
  F85: {
    hop: 'gateway',
    remedy: /end\b|FIN|half/i,
    cure: "End both legs on the peer's FIN (socket.on('end')), and a ping with a deadline",
  },
  F52: {
    hop: 'runner',
    remedy: /-localhost|listen|bind/i,
    cure: 'x11vnc without -localhost, restricted by the network, -allow or -rfbauth; or one network namespace for both',
  },
  F53: { hop: 'runner', remedy: /-forever/i, cure: '-forever and -shared under a supervisor' },
  F54: {
    hop: 'runner',
    remedy: /-shared/i,
    cure: '-shared -forever; or a policy of one viewer that is said with 1013',
  },
  F56: { hop: 'runner', remedy: /nofile/i, cure: 'ulimits nofile 65536 for the runner; a newer libvncserver' },
  F58: {
    hop: 'runner',
    remedy: /queue|readtimeout|bandwidth|write timeout|WS_WRITE_TIMEOUT/i,
    cure: 'A bounded queue in the gateway that drops or pauses; -readtimeout; less bandwidth',
  },
  F59: {
    hop: 'runner',
    remedy: /x11vnc|greeting|-threads|-noxdamage/i,
    cure: '-threads, -noxdamage, -wait; a health probe that reads the greeting; a greeting timeout in the gateway',
  },
  F60: { hop: 'runner', remedy: /Xvfb|X server|supervis/i, cure: 'Xvfb, x11vnc and browser supervised as one unit' },
  F62: {
    hop: 'runner',
    remedy: /lock|displayfd/i,
    cure: 'Lock and socket removed at start, -displayfd; ready means a real X connection and an RFB greeting',
  },
  F64: {
    hop: 'runner',
    remedy: /shm/i,
    cure: 'shm_size 1g, an emptyDir in memory, a tmpfs; or --disable-dev-shm-usage',
  },
  F65: {
    hop: 'runner',
    remedy: /browser|-maxclients|window/i,
    cure: 'The browser supervised; -maxclients 2048; the session ended with its browser',
  },
  F69: {
    hop: 'runner',
    remedy: /password/i,
    cure: 'The same password at both ends, of 8 characters; or None behind a gateway that authenticates; no blacklist',
  },
  F70: {
    hop: 'runner',
    remedy: /QUIC|IPv6|DNS|egress|proxy/i,
    cure: 'QUIC allowed or off by the right policy, IPv6 that works or none; a probe of egress',
  },
  F72: {
    hop: 'network',
    remedy: /MTU|MSS/i,
    cure: 'MTU of the network; TCPMSS --clamp-mss-to-pmtu; ICMP 3/4 let through; tcp_mtu_probing=1',
  },
  F73: {
    hop: 'network',
    remedy: /ping|keepalive|keep-alive/i,
    cure: 'A ping or SO_KEEPALIVE below 900 s; endpoint_mode dnsrr; ports published in host mode',
  },
  F76: {
    hop: 'network',
    remedy: /ping|keepalive|TCP_USER_TIMEOUT/i,
    cure: 'A ping with a deadline at the gateway; TCP_USER_TIMEOUT 60 s, keepalive 30/10/3; a watchdog in the viewer',
  },
  F77: {
    hop: 'network',
    remedy: /allow|policy|firewall|nf_conntrack_max/i,
    cure: 'The gateways allowed to 5900-59xx; nf_conntrack_max; a probe from where the gateway stands',
  },
  F78: {
    hop: 'control',
    remedy: /public/i,
    cure: 'One setting of the public base, checked by dialling it; never the own address of the node',
  },
  F79: {
    hop: 'control',
    remedy: /ttl|touch|idle/i,
    cure: 'Viewers count as use: the gateway touches the session, the TTL pauses while it is watched',
  },
  F82: {
    hop: 'control',
    remedy: /health|readiness|probe|check/i,
    cure: 'A check through the public URL down to the first picture, and from where the gateway stands',
  },
  F83: {
    hop: 'control',
    remedy: /preStop|drain|rolling|start-first|health|maxUnavailable/i,
    cure: 'preStop sleep above the propagation, drain then stop, start-first; a health check of Traefik on the service',
  },
};
