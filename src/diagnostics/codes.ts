import type { Hop } from '../core/index.js';
import { HOST_CODES } from './doctor/codes.js';

/** What a finding of a code always says. */
export interface CodeEntry {
  readonly hop: Hop;
  readonly title: string;
  readonly want: string;
  /** One command or setting. */
  readonly remedy: string;
  /** Popular suspects that this finding rules out, whatever else was seen. */
  readonly not: readonly string[];
  /** Somebody refused who we are: exit code 4, when nothing else failed. */
  readonly isRefusal?: true;
}

const NOT_READ_TIMEOUT = 'Traefik respondingTimeouts: they do not end an open socket';
const NOT_INGRESS = 'Traefik: it is no part of the way between gateway and runner';

/** Every code that a finding can have; `docs/codes/` has a page for each. */
export const CODES = {
  'CF-VIEWER-PAGE': {
    hop: 'viewer',
    title: 'the viewer page or one of its files does not load',
    want: '200 with the right type for the page and every file',
    remedy: 'Route /vnc/ to the gateway, and nothing of it elsewhere: `camofleet render` writes the routes',
    not: ['the socket: it was not tried by the page'],
  },
  'CF-VIEWER-POLICY': {
    hop: 'viewer',
    title: 'a header of the page forbids its socket',
    want: "connect-src 'self' or the socket's origin",
    remedy:
      "connect-src 'self' and the origin of the socket (wss://HOST:PORT) in Content-Security-Policy of the page; in Traefik: contentSecurityPolicy of the headers middleware on that router",
    not: ['the network: the browser never sends a packet'],
  },
  'CF-VIEWER-MIXED': {
    hop: 'viewer',
    title: 'the page is https and its socket is ws://',
    want: 'a socket URL with wss://, as the page has https',
    remedy:
      'Hand out wss://: derive the scheme from one configured public base, or use a relative URL (noVNC: encrypt=1); take X-Forwarded-Proto (https or wss) only from forwardedHeaders.trustedIPs',
    not: ['the network: the browser refuses the URL before it sends a packet'],
  },
  'CF-VIEWER-FRAME': {
    hop: 'viewer',
    title: 'a header of the page forbids the frame around it',
    want: 'frame-ancestors with the origin of the page that shows the viewer',
    remedy:
      "frame-ancestors 'self' and the origin of the UI in Content-Security-Policy of the viewer page, and no X-Frame-Options: in Traefik drop frameDeny, or use customFrameOptionsValue, on that router only",
    not: ['the network: the browser loads the page and shows it in no frame'],
  },
  'CF-VIEWER-ASSETS': {
    hop: 'viewer',
    title: 'the viewer page loads and its scripts do not',
    want: '200 and a type of JavaScript for every script of the page',
    remedy:
      'Link scripts and socket relative to the page and bundle noVNC with it; else a router for those paths with a higher priority than the catch-all',
    not: ['the socket: without its scripts the page never asks for it'],
  },
  'CF-VIEWER-PATH': {
    hop: 'viewer',
    title: 'the path of the socket lost its prefix, or holds it twice',
    want: 'the path at which the socket opens',
    remedy:
      'Build the path of the socket once, from the public base, and resolve it relative to the page (noVNC: path=, without a slash in front)',
    not: ['the network and the certificate: the handshake was answered'],
  },
  'CF-DNS-NAME': {
    hop: 'dns',
    title: 'the public name does not resolve',
    want: 'an address',
    remedy: 'public.host in camofleet.yaml must be a name that viewers can resolve',
    not: ['Traefik: nothing was dialled'],
  },
  'CF-NETWORK-UNREACHABLE': {
    hop: 'network',
    title: 'no way leads to the address',
    want: 'a route to the address',
    remedy: 'ip route get ADDRESS on this host says which router refuses; then its routes and firewall',
    not: ['the service behind it: no packet reached its host'],
  },
  'CF-NETWORK-SILENT': {
    hop: 'network',
    title: 'the address does not answer',
    want: 'a TCP answer within the time',
    remedy: 'Allow the port in the firewall between here and the address',
    not: ['the service behind it: its host did not answer TCP'],
  },
  'CF-NETWORK-VANISHED': {
    hop: 'network',
    title: 'the other side of an open socket has vanished without a word',
    want: 'a socket whose end is told, or noticed within a minute',
    remedy:
      'WebSocket pings with a deadline at the gateway (gateway.pingIntervalMs), TCP_USER_TIMEOUT 60 s and TCP keepalive 30/10/3 on both sides, and a watchdog in the viewer; then look at the cable, the Wi-Fi, the VPN or the host in between',
    not: [
      'the gateway and the runner: nobody ended the socket',
      'Traefik: no timer of it ends such a socket in silence',
    ],
  },
  'CF-NETWORK-BLOCKED': {
    hop: 'network',
    title: 'packets between gateway and runner are dropped or rejected',
    want: 'a TCP connection from the gateway to the RFB port of the runner',
    remedy:
      'Allow the gateway to the RFB ports of the runner (5900-5999) in the NetworkPolicy or firewall between them; raise net.netfilter.nf_conntrack_max when the kernel log says that its table is full; then probe from the position of the gateway',
    not: ['Traefik: it carried the socket to the gateway', 'the viewer and its network: the gateway answered'],
  },
  'CF-NETWORK-SLOW': {
    hop: 'network',
    title: 'the line is thin: a whole picture takes long',
    want: 'a line that carries the pictures that viewers ask for',
    remedy:
      'Lower quality and raise compression in noVNC (quality=2, compression=9), a smaller screen; pings with a patience of a minute, for a pong waits behind pictures',
    not: ['every hop: what is sent arrives, only slowly'],
  },
  'CF-NETWORK-MTU': {
    hop: 'network',
    title: 'small packets pass, large ones vanish',
    want: 'a path that carries, or reports, packets of any size',
    remedy:
      'Lower the MTU of the Docker or CNI network to that of the path, or clamp the MSS: nft add rule ... tcp flags syn tcp option maxseg size set rt mtu (iptables: TCPMSS --clamp-mss-to-pmtu); let ICMP 3/4 through; sysctl net.ipv4.tcp_mtu_probing=1 recovers by itself',
    not: [
      'the runner: it answers, and its small pictures come',
      'the gateway: what it relays arrives while it is small',
    ],
  },
  'CF-NETWORK-FORGOTTEN': {
    hop: 'network',
    title: 'the network forgets connections that are quiet',
    want: 'a first word that arrives, however long the silence before it was',
    remedy:
      'Pings below that silence: gateway.pingIntervalMs in camofleet.yaml (WS_PING_INTERVAL_MS), or TCP keepalive (net.ipv4.tcp_keepalive_time=600); in Swarm endpoint_mode dnsrr',
    not: [NOT_READ_TIMEOUT, 'nginx and HAProxy: their idle timers end both sides, and say so by FIN'],
  },
  'CF-TLS-TRUST': {
    hop: 'tls',
    title: 'the certificate is not trusted',
    want: 'a chain that ends at a trusted authority',
    remedy:
      'A certificate of a trusted authority with its whole chain: tls.certResolver on the router in Traefik (camofleet: tls.mode acme or files); for an authority of your own pass --ca, for the throw-away one .camofleet/pki/ca.pem',
    not: ['the gateway: TLS ends before it'],
  },
  'CF-TLS-EXPIRED': {
    hop: 'tls',
    title: 'the certificate has run out',
    want: 'a certificate that is valid today',
    remedy:
      'Renew the certificate and let what ends TLS load it: tls.certResolver in Traefik, nginx -s reload; camofleet certs renew for the throw-away one',
    not: ['the gateway: TLS ends before it'],
  },
  'CF-TLS-NAME': {
    hop: 'tls',
    title: 'the certificate does not cover the name',
    want: 'a certificate for the name that viewers type',
    remedy:
      'A certificate for this name: tls.certResolver with a matching Host on the router in Traefik, or tls.stores.default.defaultCertificate (camofleet: public.host); the same host and port for page and socket',
    not: ['the gateway: TLS ends before it'],
  },
  'CF-TLS-HANDSHAKE': {
    hop: 'tls',
    title: 'the TLS handshake fails',
    want: 'a finished handshake',
    remedy: 'The public port must lead to the entry point websecure',
    not: ['the certificate: none was shown'],
  },
  'CF-TLS-SCHEME': {
    hop: 'tls',
    title: 'TLS and plaintext are mixed up at the public port',
    want: 'wss:// to a port that speaks TLS, ws:// to one that does not',
    remedy:
      'Hand out the scheme that the port speaks: wss:// for a TLS entry point; a balancer must forward 443 to the entry point with TLS (websecure), not to the plaintext one',
    not: ['the certificate: the two sides do not speak the same protocol'],
  },
  'CF-EDGE-REFUSED': {
    hop: 'edge',
    title: 'a proxy in front answers the handshake by itself',
    want: 'the handshake passed on to what is behind',
    remedy:
      'Exempt the path of the socket from what refuses in the proxy in front: its authentication, address lists and firewall rules (nginx auth_basic, auth_request, allow and deny, if; ModSecurity; rules of a CDN), and a location of that path with proxy_pass; the signed token is the authentication. To verify: --header',
    not: ['the gateway: the page is not its own', 'the token: the gateway did not see it'],
    isRefusal: true,
  },
  'CF-EDGE-BACKEND': {
    hop: 'edge',
    title: 'a proxy in front cannot reach what is behind it',
    want: 'an upstream that leads to the ingress, or to the gateway',
    remedy:
      'The address and port at which the gateway, or the ingress, listens: proxy_pass or upstream in nginx, server in the backend of HAProxy (and its check), the origin of a CDN; names that it resolved once at start need a reload',
    not: ['the gateway: dialled past the proxy it answers', 'the token: the gateway did not see it'],
  },
  'CF-EDGE-UPGRADE': {
    hop: 'edge',
    title: 'a proxy in front takes the upgrade off the handshake',
    want: 'Upgrade, Connection and Sec-WebSocket-* of the viewer at the gateway',
    remedy:
      'nginx: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade (from a map); Apache: mod_proxy_wstunnel; CDN: WebSockets on',
    not: [
      'the gateway: it answers a plain request as it should',
      'Traefik: it passes the upgrade on without being told to',
    ],
  },
  'CF-EDGE-REDIRECT': {
    hop: 'edge',
    title: 'a proxy in front redirects the handshake',
    want: '101: browsers do not follow redirects of a handshake',
    remedy: 'Hand out the final wss:// URL, and exempt the location of the socket from redirects',
    not: ['the gateway: it was not asked'],
  },
  'CF-TRAEFIK-REDIRECT': {
    hop: 'traefik',
    title: 'Traefik redirects the handshake',
    want: '101: browsers do not follow redirects of a handshake',
    remedy: 'Hand out the final wss:// URL, and exempt the router of the socket from redirectScheme and redirectRegex',
    not: ['the gateway: it was not asked'],
  },
  'CF-TRAEFIK-SCHEME': {
    hop: 'traefik',
    title: 'the ingress and what is behind it do not speak the same scheme',
    want: 'https to a port that speaks TLS, http to one that does not',
    remedy:
      'loadBalancer.servers.url of the service with https:// (label loadbalancer.server.scheme=https), with a serversTransport that has rootCAs or insecureSkipVerify',
    not: ['the gateway: dialled by its own scheme it answers', 'the public certificate: TLS in front was finished'],
  },
  'CF-TRAEFIK-DOWN': {
    hop: 'traefik',
    title: 'nothing listens at the public address',
    want: 'a TCP connection to the ingress',
    remedy: 'camofleet status; then camofleet up',
    not: ['packets lost on the way: the host answered', 'certificates: TLS was not reached'],
  },
  'CF-TRAEFIK-ROUTE': {
    hop: 'traefik',
    title: 'no route leads the socket to the gateway',
    want: 'a router for the path of the socket, and 101 from the gateway behind it',
    remedy:
      'A rule that matches the path, in version 3 syntax (one matcher a call, PathRegexp for patterns; or core.defaultRuleSyntax: v2), on a router that Traefik loads: services and middlewares that exist, no unknown key in the dynamic file, Swarm labels under deploy. A fleet of camofleet: camofleet render',
    not: ['the gateway: the handshake of the viewer did not come to it'],
  },
  'CF-TRAEFIK-AUTH': {
    hop: 'traefik',
    title: 'something in front of the gateway asks who we are',
    want: 'an upgrade that the gateway itself judges, by its token',
    remedy:
      "Authentication (forwardAuth, basicAuth, ipAllowList) on the page's router alone, and a signed token on the socket's; else one cookie domain for both, or the token in the query accepted by the auth service. To verify: --header 'Cookie: …'",
    not: ['the token: the gateway did not see it'],
    isRefusal: true,
  },
  'CF-TRAEFIK-LIMIT': {
    hop: 'traefik',
    title: 'a limit of requests in the ingress refuses handshakes',
    want: 'a handshake for every viewer',
    remedy:
      "rateLimit (average, burst) or inFlightReq (amount) off the socket's router in Traefik, or high enough: an open socket counts as a request in flight for as long as it lives, and viewers that reconnect come together; sourceCriterion.ipStrategy where all come through one proxy",
    not: ['the gateway: it was not asked', 'the runner: it was not asked'],
  },
  'CF-TRAEFIK-BACKEND': {
    hop: 'traefik',
    title: 'the ingress cannot reach a gateway that answers',
    want: 'a service that leads to the address of the gateway',
    remedy:
      'The address and port on which the gateway listens (0.0.0.0 in a container) in loadBalancer.servers of the service, or in loadbalancer.server.port; a readiness probe that opens that port',
    not: ['the gateway: dialled past the ingress it answers', 'the runner: its picture comes through the gateway'],
  },
  'CF-TRAEFIK-SERVERS': {
    hop: 'traefik',
    title: 'the service behind the router has no server',
    want: 'a server in the service that leads to the gateway',
    remedy:
      'Put the gateway into loadBalancer.servers of the service (Docker: the container must be running and healthy, its port in loadbalancer.server.port); healthCheck.path and port must be those of the gateway, /healthz',
    not: ['the rule: its router took the handshake', NOT_READ_TIMEOUT],
  },
  'CF-TRAEFIK-UNREACHABLE': {
    hop: 'traefik',
    title: 'packets of the ingress to the gateway are lost',
    want: 'a TCP answer of the gateway to the ingress',
    remedy:
      'A network that Traefik and the gateway share: traefik.docker.network (or network of the provider) names it, and no firewall or NetworkPolicy drops between them; forwardingTimeouts.dialTimeout: 5s fails sooner than its 30 s',
    not: ['the rule: its router took the handshake', NOT_READ_TIMEOUT],
  },
  'CF-TRAEFIK-SWITCH': {
    hop: 'traefik',
    title: 'a middleware breaks the switch of protocols',
    want: '101 of the gateway, passed on',
    remedy:
      "Take plugins and middlewares that wrap the answer (cache, WAF, old compress) off the socket's router; before Traefik 3.7 also no scheme h2c on its service",
    not: ['the gateway: plain requests reach it', 'compress and buffering of Traefik 3.7: they let the switch pass'],
  },
  'CF-TRAEFIK-QUERY': {
    hop: 'traefik',
    title: 'a ; in the query arrives as &',
    want: 'the token whole at the gateway',
    remedy:
      'Tokens in base64url, or every ; as %3B; else http.encodeQuerySemicolons: true on the entry point of Traefik',
    not: ['the gateway: it was given a part of the token', 'the token: whole it is taken'],
  },
  'CF-TRAEFIK-STICKY': {
    hop: 'traefik',
    title: 'sockets are dealt to replicas that do not know the session',
    want: 'every replica knows every session, or a session always goes to the same one',
    remedy:
      'Signed, stateless tokens with the same keys, or a shared registry, at every gateway replica; else loadBalancer.sticky.cookie on the services of page and socket',
    not: ['the token: one replica takes it', 'the network: every attempt was answered'],
  },
  'CF-TRAEFIK-H2': {
    hop: 'traefik',
    title: 'WebSocket over HTTP/2 is offered and fails',
    want: 'an extended CONNECT that opens, or none on offer',
    remedy:
      'Traefik 3.2.5, 3.3.1 or later, without GODEBUG=http2xconnect=1; else tls.options.default.alpnProtocols: [http/1.1]',
    not: ['the gateway: it was not asked', 'HTTP/1.1: the same socket opens by it'],
  },
  'CF-TRAEFIK-LOG': {
    hop: 'traefik',
    title: 'the access log leaves sockets out',
    want: 'a line for each socket when it has ended; its status 0 is normal for an upgrade',
    remedy:
      'accessLog.format: json, no accessLog.filters.statusCodes (or one with "0" in it) and no minDuration; fields.headers.names: Sec-WebSocket-Key, Sec-WebSocket-Accept, Upgrade: keep',
    not: ['the sockets: they opened and lived', 'status 0: it is how Traefik logs an upgrade that succeeded'],
  },
  'CF-TRAEFIK-SILENT': {
    hop: 'traefik',
    title: 'the ingress does not carry the socket, though the gateway answers',
    want: 'what the gateway says',
    remedy: 'camofleet logs ingress, then restart it: camofleet down && camofleet up',
    not: ['the gateway: dialled past the ingress it answers', 'the runner: its picture comes through the gateway'],
  },
  'CF-TRAEFIK-STOPPED': {
    hop: 'traefik',
    title: 'the ingress ended while sockets were open',
    want: 'sockets that live until their viewer leaves',
    remedy:
      'transport.lifeCycle.requestAcceptGraceTimeout: 10s on each entry point, graceTimeOut of hours where sockets are to be drained (camofleet: ingress.graceTimeoutMs), a stop timeout (stop_grace_period, terminationGracePeriodSeconds) above their sum; start-first updates',
    not: [NOT_READ_TIMEOUT],
  },
  'CF-TRAEFIK-CUT': {
    hop: 'traefik',
    title: 'the ingress, or something in front of it, cut an open socket',
    want: 'sockets that live until their viewer leaves',
    remedy: 'Look at traefik-access.log and at what stands in front; list that under edge: in camofleet.yaml',
    not: [NOT_READ_TIMEOUT],
  },
  'CF-EDGE-IDLE': {
    hop: 'edge',
    title: 'something in front drops streams that are quiet',
    want: 'quiet streams that live',
    remedy: `Raise the idle timer in front (nginx: proxy_read_timeout 3600s and proxy_send_timeout 3600s; HAProxy: timeout tunnel 1h), or let the gateway ping at most every third of it: gateway.pingIntervalMs in camofleet.yaml`,
    not: [NOT_READ_TIMEOUT],
  },
  'CF-EDGE-RELOAD': {
    hop: 'edge',
    title: 'a proxy in front ended all sockets that were older than its reload',
    want: 'sockets that live through a change of configuration',
    remedy:
      'worker_shutdown_timeout in nginx (worker-shutdown-timeout of ingress-nginx, hard-stop-after of HAProxy) hours long, fewer reloads (an ingress class of its own for VNC), and viewers that reconnect',
    not: [
      NOT_READ_TIMEOUT,
      'a reload of Traefik: it ends no open socket',
      'an idle timer: busy streams ended with quiet ones',
    ],
  },
  'CF-EDGE-CLOSED': {
    hop: 'edge',
    title: 'something in front closes sockets in order',
    want: 'sockets that live until their viewer leaves',
    remedy:
      'Take the host of the sockets past the CDN (DNS only), let the gateway ping every 20 to 25 s, and let viewers reconnect with a growing pause when a node of the CDN restarts',
    not: [
      NOT_READ_TIMEOUT,
      'the gateway: dialled past the proxies it carries the session on',
      'Traefik: it sends no close frames',
    ],
  },
  'CF-EDGE-LIFETIME': {
    hop: 'edge',
    title: 'something in front ends streams at an age',
    want: 'streams that live until their viewer leaves',
    remedy:
      'Take the limit of age off the route of the socket: max_connection_duration of Envoy, the maximum duration of a load balancer or VPN; pings do not help',
    not: [NOT_READ_TIMEOUT, 'an idle timer: streams with traffic were ended at the same age'],
  },
  'CF-EDGE-BYTES': {
    hop: 'edge',
    title: 'something in front ends streams that have carried so much',
    want: 'streams that carry any number of bytes',
    remedy: 'Take the limit of bytes off the route of the socket: quota or maximum body size of the proxy in front',
    not: [NOT_READ_TIMEOUT, 'an idle timer: the streams were ended in the middle of traffic'],
  },
  'CF-GATEWAY-DOWN': {
    hop: 'gateway',
    title: 'nothing answers at the address of the gateway',
    want: 'an answer of the gateway',
    remedy:
      'Start the gateway so that it listens at the port that the service of the ingress names, on 0.0.0.0 and not on 127.0.0.1 of its container; a readiness probe that opens that port (camofleet status, camofleet logs gateway)',
    not: ['the runner: the gateway was not reached'],
  },
  'CF-GATEWAY-SILENT': {
    hop: 'gateway',
    title: 'the gateway is there and does not answer',
    want: 'an answer to every upgrade, and frames that keep coming',
    remedy:
      'Restart the gateway and find what blocks it (camofleet logs gateway; ls /proc/PID/fd against its nofile); a liveness probe on its event loop (/healthz), a timeout on its own dials, and forwardingTimeouts.responseHeaderTimeout: 10s in Traefik, so that viewers hear of it',
    not: ['the port: TCP was accepted'],
  },
  'CF-GATEWAY-UPGRADE': {
    hop: 'gateway',
    title: 'the upgrade is answered wrongly',
    want: '101 with the right Sec-WebSocket-Accept and subprotocol',
    remedy: 'Let nothing between viewer and gateway rewrite Upgrade, Connection or Sec-WebSocket-*',
    not: ['the certificate: what answers was reached'],
  },
  'CF-GATEWAY-FRAMES': {
    hop: 'gateway',
    title: 'the gateway sends frames that no browser takes',
    want: 'frames as RFC 6455 has them, without an extension that was not agreed on',
    remedy:
      'Switch permessage-deflate off in the relay and in every proxy that writes frames anew (Sec-WebSocket-Extensions is agreed on for each leg by itself); RFB is compressed already',
    not: ['the runner: frames are made by the relay', 'Traefik: it does not touch frames'],
  },
  'CF-GATEWAY-SUBPROTOCOL': {
    hop: 'gateway',
    title: 'the subprotocol that is selected is not one that was offered',
    want: 'exactly one of the offered subprotocols, or none where none was offered',
    remedy:
      'Select exactly one of the values in Sec-WebSocket-Protocol, and none where none is offered; never echo; newer libvncserver and websockify do so',
    not: ['the network and the certificate: the handshake was answered'],
  },
  'CF-GATEWAY-ID': {
    hop: 'gateway',
    title: 'the gateway knows no such session',
    want: 'a token, or an id that its map or range holds',
    remedy:
      'Copy the URL of the session anew, whole; the map or range of the gateway (VNC_MAP_JSON, VNC_WEB_RANGE) must hold every id that is handed out: one registry or range for both, checked at start',
    not: ['the network: the gateway answered'],
  },
  'CF-GATEWAY-TOKEN': {
    hop: 'gateway',
    title: 'the token is refused',
    want: 'a token of this fleet that has not run out',
    remedy:
      'Open the session anew from the fleet page; control and gateway must have the same token-keys.json and fleet.id',
    not: ['the network: the gateway answered'],
    isRefusal: true,
  },
  'CF-GATEWAY-TARGET': {
    hop: 'gateway',
    title: 'the token leads to a target that the gateway may not dial',
    want: 'a target among the allowed ones',
    remedy: 'CAMOFLEET_GATEWAY_ALLOWED_TARGETS of the gateway must hold the address that the runner advertises',
    not: ['the runner: it was not asked', 'the token: it was opened'],
  },
  'CF-GATEWAY-DIAL': {
    hop: 'gateway',
    title: 'the gateway takes the socket and cannot reach its target',
    want: 'a gateway that reaches the RFB server of the session',
    remedy:
      'Correct the target of this id (VNC_MAP_JSON; websockify: its target argument or token file); a gateway should dial before it accepts, and answer 502 or 504 with a body that says why',
    not: ['Traefik: it carried the socket to the gateway', 'the viewer: its handshake was right'],
  },
  'CF-GATEWAY-NOT-RFB': {
    hop: 'gateway',
    title: 'the gateway leads to something that is no RFB server',
    want: 'a target that greets with RFB 003.00x',
    remedy:
      'Correct the target of this id (VNC_MAP_JSON; websockify: its target argument): it must be the raw RFB port of the session; a gateway should read the greeting before it exposes a target',
    not: ['Traefik: it carried the socket to the gateway'],
  },
  'CF-GATEWAY-CROSSED': {
    hop: 'gateway',
    title: 'the gateway shows another desktop than the one that was asked for',
    want: 'the desktop that the raw RFB port of the session shows',
    remedy:
      'Let nothing but the signed token, or the id in the URL, choose the target: no cookie, no Referer, no forwarded-prefix header',
    not: ['Traefik: it carried the socket to the gateway', 'the runner: its own desktop is the right one'],
  },
  'CF-GATEWAY-HALF-CLOSED': {
    hop: 'gateway',
    title: 'the gateway keeps sockets whose viewer has left',
    want: "a FIN that answers the viewer's",
    remedy:
      "End both legs when the peer has ended: in Node socket.on('end', () => socket.destroy()), as upgraded sockets have allowHalfOpen; as second net WebSocket pings with a deadline",
    not: ['Traefik: it passes the FIN on and waits for the gateway; no option of it ends such a socket'],
  },
  'CF-GATEWAY-ORIGIN': {
    hop: 'gateway',
    title: 'the gateway takes no sockets from pages of this origin',
    want: 'an Origin that is the public one, or an allowed one',
    remedy: 'gateway.allowedOrigins in camofleet.yaml, or the right --origin',
    not: ['the token: the origin is looked at first', 'the runner: it was not asked'],
  },
  'CF-GATEWAY-LIMIT': {
    hop: 'gateway',
    title: 'too many attempts of this address have failed',
    want: 'fewer failed attempts a minute',
    remedy: 'Wait a minute; gateway.failedAttemptsPerMinute in camofleet.yaml is the limit',
    not: ['the runner: it was not asked'],
  },
  'CF-GATEWAY-FAULT': {
    hop: 'gateway',
    title: 'the gateway failed',
    want: '101, or a refusal with its reason',
    remedy: 'camofleet logs gateway: the line gateway.problem is a bug to report',
    not: ['the network: the gateway answered'],
  },
  'CF-GATEWAY-FULL': {
    hop: 'gateway',
    title: 'the gateway has no free place',
    want: 'a place',
    remedy: 'gateway.maxSessions in camofleet.yaml, or another gateway',
    not: ['the runner: it was not asked'],
  },
  'CF-GATEWAY-DESCRIPTORS': {
    hop: 'gateway',
    title: 'the gateway has no file descriptor left',
    want: 'descriptors for every viewer that the gateway takes',
    remedy:
      'Raise nofile of the gateway to 65536 (Compose ulimits, LimitNOFILE), and let nothing leak: TCP keepalive 30/10/3 with TCP_USER_TIMEOUT, pings with a deadline, sockets ended when their peer ends, children reaped; a restart cures it for a while',
    not: ['Traefik: the gateway was reached', 'the runner: dialled itself it answers'],
  },
  'CF-GATEWAY-REFUSED': {
    hop: 'gateway',
    title: 'the gateway refuses the socket and does not say why',
    want: '101, or a refusal that carries its reason',
    remedy:
      'Raise the session limit of the gateway (its log has the reason), count prewarmed slots apart, and refuse with 503 or 404, a body and Retry-After, or accept and close with 1013 and a reason',
    not: ['Traefik: the gateway itself answers so', 'the runner: it was not asked'],
  },
  'CF-GATEWAY-DRAINING': {
    hop: 'gateway',
    title: 'the gateway was stopping',
    want: 'a gateway that takes sockets',
    remedy: 'Wait for the restart; start a second gateway before the first one stops',
    not: ['the runner: the gateway ends its sockets itself'],
  },
  'CF-GATEWAY-GONE': {
    hop: 'gateway',
    title: 'the gateway ended while sockets were open',
    want: 'sockets that live until their viewer leaves',
    remedy:
      'Find why it ended (camofleet logs gateway, camofleet logs supervisor); planned restarts must drain first on SIGTERM (stop accepting, 1012, wait: SHUTDOWN_GRACE_MS) with a stop grace above that, beside a second replica',
    not: [NOT_READ_TIMEOUT],
  },
  'CF-GATEWAY-IDLE': {
    hop: 'gateway',
    title: 'the gateway ends viewers that send nothing',
    want: 'viewers that may watch without a word',
    remedy:
      'An idle clock that counts both directions and pongs; no read timeout on messages of the viewer; pings every 20 s',
    not: [NOT_READ_TIMEOUT, 'an idle timer of nginx or HAProxy: they count every byte, pings too'],
  },
  'CF-GATEWAY-LIFETIME': {
    hop: 'gateway',
    title: 'the gateway ends streams at an age',
    want: 'streams that live until their viewer leaves',
    remedy:
      'Take the limit of age off the gateway: its maximum session length, or the expiry of a token that must not end open streams',
    not: [NOT_READ_TIMEOUT],
  },
  'CF-GATEWAY-CUT': {
    hop: 'gateway',
    title: 'the gateway ended an open socket',
    want: 'sockets that live while their viewer answers pings',
    remedy: 'camofleet logs gateway: the line session.closed of this socket names the cause',
    not: [NOT_READ_TIMEOUT],
  },
  'CF-GATEWAY-REASON': {
    hop: 'gateway',
    title: 'the reason in the close frame of the gateway is not true',
    want: 'a close frame that names who ended the socket first',
    remedy:
      'Let the gateway keep the first cause and unwind from it: code, reason and log line name the initiator, not whoever noticed last',
    not: ['the runner: it is not the one that ends the stream', 'Traefik: it sends no close frames'],
  },
  'CF-GATEWAY-PONG': {
    hop: 'gateway',
    title: 'the gateway ends viewers whose pong waits behind pictures',
    want: 'a deadline for pongs that a thin line can keep',
    remedy:
      'Raise the ping timeout of the gateway to 60 s (websockets ping_timeout=60, uvicorn --ws-ping-timeout 60), bound its send queue so that a pong does not wait behind pictures, and lower quality or size for thin lines',
    not: [
      'Traefik: it carries frames in the order in which they come',
      'the runner: it is not the one that ends the stream',
    ],
  },
  'CF-GATEWAY-HEARTBEAT': {
    hop: 'gateway',
    title: 'the gateway is set to ping, and no ping comes',
    want: 'pings as often as they are set',
    remedy:
      "Let the gateway's own server ping (camofleet WS_PING_INTERVAL_MS=20000; uvicorn --ws-ping-interval 20; websockets ping_interval=20), and test for pings on the wire, not for the setting",
    not: [
      'Traefik and nginx: they carry pings like all frames',
      'the timer that then cuts quiet streams: it does what it is set to',
    ],
  },
  'CF-RUNNER-API': {
    hop: 'runner',
    title: 'the control plane cannot use a runner',
    want: 'a runner that answers its API',
    remedy: 'camofleet status, then camofleet logs runner',
    not: ['Traefik and control: they answered'],
  },
  'CF-RUNNER-START': {
    hop: 'runner',
    title: 'the runner cannot start a session',
    want: 'a session that becomes ready',
    remedy: 'camofleet logs runner: the line session.failed has the last words of what ended',
    not: ['Traefik and control: they answered', 'the gateway: it was not asked'],
  },
  'CF-RUNNER-REFUSED': {
    hop: 'runner',
    title: 'the runner refuses the RFB connection',
    want: 'an RFB server at the target',
    remedy: 'camofleet logs runner: has the session ended?',
    not: [NOT_INGRESS],
  },
  'CF-RUNNER-SILENT': {
    hop: 'runner',
    title: 'the runner accepts and does not speak',
    want: 'the RFB greeting within gateway.greetingTimeoutMs',
    remedy:
      'End the session and start a new one: x11vnc or its X server hangs; -threads, or -noxdamage with -wait 50, where polling starves it; a health probe must read the RFB greeting, for a kernel accepts in the name of a stopped process',
    not: [NOT_INGRESS, 'a firewall: TCP was accepted'],
  },
  'CF-RUNNER-NOT-RFB': {
    hop: 'runner',
    title: 'what answers at the target is no RFB server',
    want: 'RFB 003.00x',
    remedy: 'The target must be the RFB port of a session: check VNC_MAP_JSON',
    not: [NOT_INGRESS],
  },
  'CF-RUNNER-AUTH': {
    hop: 'runner',
    title: 'the runner refuses the RFB password',
    want: 'the password of this session',
    remedy:
      'password_file of the id in VNC_MAP_JSON, or --password-file of verify, must hold the password of the runner',
    not: ['the network: the RFB server answered'],
  },
  'CF-RUNNER-VNC': {
    hop: 'runner',
    title: 'the VNC server of the session ended',
    want: 'an x11vnc that lives as long as its session',
    remedy:
      'Supervise Xvfb, x11vnc and browser as one unit and alert on the exit of any; the last words of what ended first are in the log of the runner (camofleet logs runner)',
    not: [NOT_READ_TIMEOUT],
  },
  'CF-RUNNER-DISPLAY': {
    hop: 'runner',
    title: 'the X server of the session ended',
    want: 'an Xvfb that lives as long as its session',
    remedy:
      'Supervise Xvfb, x11vnc and browser as one unit and alert on the exit of any; the last words of what ended first are in the log of the runner (camofleet logs runner)',
    not: [NOT_READ_TIMEOUT, 'x11vnc: it ends when its X server does'],
  },
  'CF-RUNNER-LOCK': {
    hop: 'runner',
    title: 'a lock or socket that was left behind keeps the X server from starting',
    want: 'an X server that starts, and is found ready by a real connection',
    remedy:
      'Remove /tmp/.X<n>-lock and /tmp/.X11-unix/X<n> at start when no X server holds them, or start Xvfb with -displayfd so that it picks a free display; ready means a real X connection and an RFB greeting',
    not: ['the gateway: nothing listens at its target', 'x11vnc: it has no display to open'],
  },
  'CF-RUNNER-GONE': {
    hop: 'runner',
    title: 'the runner ended while sockets were open',
    want: 'a runner that lives',
    remedy: 'camofleet logs runner and camofleet logs supervisor for why it ended',
    not: [NOT_READ_TIMEOUT],
  },
  'CF-RUNNER-CLOSED': {
    hop: 'runner',
    title: 'the runner ended the stream',
    want: 'a stream that lives as long as its session',
    remedy: 'camofleet logs runner',
    not: [NOT_READ_TIMEOUT],
  },
  'CF-RUNNER-SLOW': {
    hop: 'runner',
    title: 'the RFB server gave up a viewer that read nothing',
    want: 'viewers that read, or a gateway that keeps reading for them',
    remedy:
      'Bound the send queue of the gateway and let it pause or drop pictures before the RFB server gives up (camofleet WS_WRITE_TIMEOUT_MS 15000, below the 20 s of x11vnc); raise -readtimeout of x11vnc; lower the bandwidth that the screen needs',
    not: ['Traefik: no timer of it ends a flow whose window is zero', 'the network: every packet was acknowledged'],
  },
  'CF-RUNNER-FRAME': {
    hop: 'runner',
    title: 'RFB opens and no frame comes',
    want: 'a first framebuffer update',
    remedy: 'End the session and start a new one; then look for a path MTU below 1500 between gateway and runner',
    not: ['the password: the runner let the viewer in'],
  },
  'CF-RUNNER-LOOPBACK': {
    hop: 'runner',
    title: 'the RFB server listens on another address than the one that is dialled',
    want: 'an RFB server that listens where the gateway dials',
    remedy:
      'x11vnc without -localhost, or -listen with the address that the gateway dials; keep others out by the network, -allow or -rfbauth; or one network namespace for both',
    not: ['a firewall: the host itself refused', NOT_INGRESS],
  },
  'CF-RUNNER-ONE-SHOT': {
    hop: 'runner',
    title: 'the RFB server does not outlive a viewer',
    want: 'an RFB server that waits for the next viewer',
    remedy:
      'x11vnc -forever -shared, under a supervisor that starts it again; where it crashes when a viewer comes: a newer x11vnc, or -noxrecord -noxfixes -noxdamage',
    not: [NOT_INGRESS, 'a firewall: the host itself refused'],
  },
  'CF-RUNNER-SHARED': {
    hop: 'runner',
    title: 'the RFB server takes one viewer at a time and turns the next one away',
    want: 'a picture for every viewer',
    remedy: 'x11vnc -shared -forever; where one viewer is meant, let the gateway say so with 1013 and a reason',
    not: [NOT_INGRESS, 'the password: the server went as far as its picture'],
  },
  'CF-RUNNER-LATE': {
    hop: 'runner',
    title: 'the RFB greeting comes late',
    want: 'a greeting within milliseconds of the TCP connection',
    remedy:
      'nofile 65536 for the runner (Compose ulimits, --ulimit, LimitNOFILE): libvncserver walks over every descriptor it may have for each connection; and x11vnc -nolookup',
    not: ['the network: TCP is accepted at once', NOT_INGRESS],
  },
  'CF-RUNNER-FROZEN': {
    hop: 'runner',
    title: 'the stream is open and no picture comes any more',
    want: 'the whole picture when it is asked for',
    remedy: 'End the session and start a new one; x11vnc or its X server hangs: camofleet logs runner',
    not: ['Traefik and gateway: the socket is open to the end', NOT_READ_TIMEOUT],
  },
  'CF-RUNNER-PICTURE': {
    hop: 'runner',
    title: 'the test card cannot be read',
    want: 'cells with a right checksum',
    remedy: 'camofleet logs runner',
    not: ['the network: whole frames arrive'],
  },
  'CF-RUNNER-EMPTY': {
    hop: 'runner',
    title: 'the screen is healthy and empty',
    want: 'a window on the screen',
    remedy:
      'Supervise the browser, and end the session when the browser ends; start Xvfb with -maxclients 2048 where its log says that the maximum number of clients is reached',
    not: ['Traefik, gateway and VNC server: the whole picture arrives'],
  },
  'CF-RUNNER-SHM': {
    hop: 'runner',
    title: 'the shared memory of the browser is too small',
    want: '/dev/shm of 1 GiB where a browser runs',
    remedy:
      'shm_size: 1g in Compose, an emptyDir with medium: Memory at /dev/shm in Kubernetes, a tmpfs mount in Swarm; or start the browser with --disable-dev-shm-usage',
    not: ['Traefik, gateway and VNC server: the whole picture arrives'],
  },
  'CF-RUNNER-EGRESS': {
    hop: 'runner',
    title: 'the remote browser cannot reach a site, the VNC path is well',
    want: 'the site, by every transport by which it answers elsewhere',
    remedy:
      'Let UDP 443 out of the runner, or switch QUIC off in the browser by policy (QuicAllowed false, network.http.http3.enable false); give it IPv6 that works, or none; the same for its DNS and proxy',
    not: ['Traefik, gateway and VNC server: they carry the picture of that error page'],
  },
  'CF-BROWSER-EXIT': {
    hop: 'browser',
    title: 'the browser of the session ended',
    want: 'a browser that lives as long as its session',
    remedy: 'camofleet logs runner for its last words',
    not: ['Traefik and gateway: they do not end a browser'],
  },
  'CF-CONTROL-API': {
    hop: 'control',
    title: 'the control plane cannot be used',
    want: 'an answer of the API',
    remedy: 'camofleet status, then camofleet logs control',
    not: ['open streams: they live without control'],
  },
  'CF-CONTROL-KEY': {
    hop: 'control',
    title: 'the API refuses the operator key',
    want: 'the key in .camofleet/secrets/operator.key of this fleet',
    remedy: 'Run verify in the folder of the fleet, as the user who may read its operator.key',
    not: ['the network: the API answered'],
    isRefusal: true,
  },
  'CF-CONTROL-URL': {
    hop: 'control',
    title: 'the URL that is handed out is not the public one',
    want: 'the host and port of public: in camofleet.yaml',
    remedy:
      'One public base for every URL that is handed out, dialled once at start: vnc_ws and vnc_http of CONTROL_WORKERS must carry the public host and port, never an address of a container or node',
    not: ['DNS: the name is the wrong one'],
  },
  'CF-CONTROL-RELEASED': {
    hop: 'control',
    title: 'the session was released while it was held',
    want: 'a session that lives until its viewer leaves',
    remedy:
      'Let viewers count as use: the gateway touches the session while it is watched, so that its idle TTL pauses (camofleet does); else raise that TTL (runner.idleTtlSeconds), or find who released it in the log of control',
    not: ['the path: the gateway ended the socket because it was told to'],
  },
  'CF-CONTROL-REVOKED': {
    hop: 'control',
    title: 'the right to view was taken back',
    want: 'a right that lasts',
    remedy: 'Open the session anew from the fleet page, or find who revoked it in the log of control',
    not: ['the path: the gateway ended the socket because it was told to'],
  },
  'CF-CONTROL-HEALTH': {
    hop: 'control',
    title: 'the health check is green while no picture can be seen',
    want: 'a health check that fails when no picture can be seen',
    remedy:
      'A synthetic check through the public URL down to the first picture, from where the gateway stands as well: camofleet verify --url … --duration 0s --quiet as the probe of the monitor',
    not: ['the picture itself: what breaks it is the next finding'],
  },
  'CF-CONTROL-ROLLOUT': {
    hop: 'control',
    title: 'some handshakes are sent to a server that is gone',
    want: 'a list of servers that holds those alone that live',
    remedy:
      'Drain, then stop: a preStop sleep of 15 to 30 s, longer than the list takes to be told; start-first or maxUnavailable 0; and loadBalancer.healthCheck on the Traefik service',
    not: ['the session: the same handshake opens at another server', NOT_READ_TIMEOUT],
  },
  'CF-TOPOLOGY-RULE': {
    hop: 'control',
    title: 'camofleet.yaml breaks a rule',
    want: 'a topology that keeps every rule',
    remedy: 'Set what the check names, then camofleet render',
    not: ['the running services: the rule is about the file'],
  },
  ...HOST_CODES,
} as const satisfies Record<string, CodeEntry>;

export type Code = keyof typeof CODES;
