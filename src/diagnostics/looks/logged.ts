import type { AccessLine } from '../logs/index.js';
import { type Refusal, type Refuser, isTaken, lookOf } from './judge.js';

/** Statuses of Traefik's own that the log repeats as those of the service. */
const OWN: ReadonlySet<number> = new Set([499, 502, 504]);

/** Whose answer it was, as the ingress itself wrote it down: no router, a middleware, a service without servers, another service. */
export function judgeLogged(refusal: Refusal): Refuser | undefined {
  const { line, url } = refusal;
  if (!line || line.status < 200) return undefined;
  if (line.router === undefined && line.serviceAddr === undefined)
    return line.status === 404
      ? {
          code: 'CF-TRAEFIK-ROUTE',
          confidence: 'proven',
          because: `no router took ${url.pathname}, says its access log`,
        }
      : undefined;
  if (line.router !== undefined && line.serviceAddr === undefined) return ofRouter(refusal, line);
  return ofService(refusal, line);
}

/** A router took it and asked no service. */
function ofRouter(refusal: Refusal, { router = '', status }: AccessLine): Refuser | undefined {
  if (status === 503) return withoutServer(refusal, router);
  if (status >= 500) return undefined;
  const because = `a middleware of router ${router} answered, and no service was asked, says the access log`;
  const isAuth = status === 401 || status === 403 || status === 407 || (status >= 300 && status < 400);
  return isAuth
    ? { code: 'CF-TRAEFIK-AUTH', confidence: 'proven', because }
    : {
        code: 'CF-TRAEFIK-ROUTE',
        confidence: 'proven',
        because,
        remedy: `Take the middleware that answers ${status} off router ${router}`,
      };
}

/** A health check that is right about a gateway that is down is no fault of the ingress. */
function withoutServer(refusal: Refusal, router: string): Refuser | undefined {
  const inner = lookOf(refusal, 'inner');
  if (inner && !isTaken(inner)) return undefined;
  const beside = inner ? '; the gateway takes the same handshake of whoever dials it directly' : '';
  const because = `router ${router} took it, and its service has no server that it likes, says the access log${beside}`;
  return { code: 'CF-TRAEFIK-SERVERS', confidence: inner ? 'proven' : 'likely', because };
}

/** A service answered for itself, and it is not the gateway that takes the same handshake. */
function ofService(refusal: Refusal, { status, service, serviceAddr = '' }: AccessLine): Refuser | undefined {
  const inner = lookOf(refusal, 'inner');
  if (!inner || !isTaken(inner) || OWN.has(status) || status >= 500 || serviceAddr === inner.url.host) return undefined;
  const page = lookOf(refusal, 'made-up')?.facts.http?.status;
  if (page !== status) return undefined; // what has a path of its own may be a gateway by another address
  const because = `the handshake went to service ${service ?? serviceAddr} at ${serviceAddr}, which is not the gateway, says the access log`;
  return { code: 'CF-TRAEFIK-ROUTE', confidence: 'proven', because, remedy: PRIORITY_OVER };
}

const PRIORITY_OVER =
  "An explicit priority on the socket's router, above that of the router that took the handshake; where it was dropped, Traefik's log and its API say why";

/** What the ingress wrote of its own answer leaves nobody else. */
export function surer(refuser: Refuser, { line }: Refusal): Refuser {
  const isOwn = line !== undefined && line.status >= 300 && line.originStatus === 0 && line.serviceAddr === undefined;
  const isSettled = refuser.code.startsWith('CF-TRAEFIK-') && refuser.code !== 'CF-TRAEFIK-SERVERS';
  return isOwn && isSettled ? { ...refuser, confidence: 'proven' } : refuser;
}
