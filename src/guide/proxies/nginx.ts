import { ROUTES } from '../../topology/index.js';
import type { GuideSubject } from '../subject.js';
import { SOCKET_HOURS, siteOf, timer } from './services.js';

/** A file for the http block of nginx: the public routes, and no others. */
export function nginxExtract(subject: GuideSubject): string {
  const { host, bind, port, gateway, control, certificate, key, accessLog } = siteOf(subject, 'nginx');
  const { dialTimeoutMs, responseHeaderTimeoutMs } = subject.topology.ingress;
  const { viewerPrefix, socketPath, apiPrefix, uiPrefix } = ROUTES;
  return `# Belongs into the http block, for example as /etc/nginx/conf.d/camofleet.conf.
map $http_upgrade $camofleet_connection {
  default upgrade;
  ''      '';
}

# The usual format writes the query, and with it the token. This one does not, keeps the key that joins the logs, and is
# one that \`camofleet verify --logs\` reads.
log_format camofleet escape=json
  '{"time_iso8601":"$time_iso8601","remote_addr":"$remote_addr","remote_port":"$remote_port",'
  '"request_method":"$request_method","uri":"$uri","status":$status,"request_time":$request_time,'
  '"upstream_addr":"$upstream_addr","http_sec_websocket_key":"$http_sec_websocket_key"}';

server {
  listen ${bind && `${bind}:`}${port} ssl;
  server_name ${host};
  ssl_certificate     ${certificate};
  ssl_certificate_key ${key};
  ssl_protocols TLSv1.2 TLSv1.3;
  access_log ${accessLog} camofleet;

  proxy_http_version 1.1;
  proxy_set_header Host $http_host;
  proxy_set_header Upgrade $http_upgrade;
  proxy_set_header Connection $camofleet_connection;
  # nginx is the first proxy: what strangers claim is overwritten, not added to.
  proxy_set_header X-Forwarded-For $remote_addr;
  proxy_set_header X-Forwarded-Host $http_host;
  proxy_set_header X-Forwarded-Proto $scheme;
  proxy_set_header Forwarded "";
  proxy_connect_timeout ${timer(dialTimeoutMs)};
  proxy_read_timeout ${timer(responseHeaderTimeoutMs)};

  # The picture. The two timers count the silence of an open socket; the usual 60 s cut a still screen without pings.
  location = ${socketPath} {
    proxy_pass http://${gateway};
    proxy_read_timeout ${SOCKET_HOURS}h;
    proxy_send_timeout ${SOCKET_HOURS}h;
    proxy_socket_keepalive on;
  }
  # The viewer page and its assets, and the sockets of open identities. Nothing is stripped.
  location ${viewerPrefix} {
    proxy_pass http://${gateway};
    proxy_read_timeout ${SOCKET_HOURS}h;
    proxy_send_timeout ${SOCKET_HOURS}h;
    proxy_socket_keepalive on;
  }
  # The API. The slash at the end of proxy_pass takes ${apiPrefix} away.
  location = ${apiPrefix}  { proxy_pass http://${control}/; }
  location ${apiPrefix}/ { proxy_pass http://${control}/; }
  # The fleet page.
  location = /   { proxy_pass http://${control}; }
  location = ${uiPrefix} { proxy_pass http://${control}; }
  location ${uiPrefix}/ { proxy_pass http://${control}; }
  # Health, metrics and administration are nobody's business out here.
  location / { return 404; }
}
`;
}
