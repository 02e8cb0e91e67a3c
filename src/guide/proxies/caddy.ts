import { ROUTES } from '../../topology/index.js';
import type { GuideSubject } from '../subject.js';
import { siteOf, timer } from './services.js';

/** A whole Caddyfile: the public routes, and no others. */
export function caddyExtract(subject: GuideSubject): string {
  const { host, bind, port, gateway, control, certificate, key, accessLog } = siteOf(subject, 'caddy');
  const { tls, ingress } = subject.topology;
  const { viewerPrefix, socketPath, apiPrefix, uiPrefix } = ROUTES;
  const own = tls.mode === 'acme' ? (tls.email ? [`  tls ${tls.email}`] : []) : [`  tls ${certificate} ${key}`];
  const head = [...(bind ? [`  bind ${bind}`] : []), ...own].join('\n');
  return `{
  # Port 80 stays closed: no socket follows a redirect.
  auto_https disable_redirects
  servers {
    # Browsers upgrade over HTTP/1.1.
    protocols h1
  }
}

(patience) {
  transport http {
    dial_timeout ${timer(ingress.dialTimeoutMs)}
    response_header_timeout ${timer(ingress.responseHeaderTimeoutMs)}
  }
}

https://${host}:${port} {
${head}
  log {
    output file ${accessLog}
    # The query holds the token.
    format filter {
      wrap json
      fields {
        request>uri query {
          delete token
        }
      }
    }
  }
  # The picture, the viewer page and its assets. Nothing is stripped. No timer of Caddy ends an open socket.
  @gateway path ${socketPath} ${viewerPrefix}*
  handle @gateway {
    reverse_proxy ${gateway} {
      import patience
    }
  }
  # The API; ${apiPrefix} is taken away.
  @api path ${apiPrefix} ${apiPrefix}/*
  handle @api {
    uri strip_prefix ${apiPrefix}
    reverse_proxy ${control} {
      import patience
    }
  }
  # The fleet page.
  @page path / ${uiPrefix} ${uiPrefix}/*
  handle @page {
    reverse_proxy ${control} {
      import patience
    }
  }
  # Health, metrics and administration are nobody's business out here.
  handle {
    respond 404
  }
}
`;
}
