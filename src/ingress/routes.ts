import { ROUTES } from '../topology/index.js';

/** Where a path goes, under the names that the rendered Traefik configuration uses. */
export interface Routed {
  readonly router: 'vnc' | 'websockify' | 'api' | 'ui';
  readonly service: 'gateway' | 'control';
  /** The path that the service sees. */
  readonly path: string;
}

/** The public routes and no others; the query stays with the path. */
export function routeOf(url: string): Routed | undefined {
  const path = url.split('?', 1)[0] ?? '';
  if (path === ROUTES.socketPath) return { router: 'websockify', service: 'gateway', path: url };
  if (path.startsWith(ROUTES.viewerPrefix)) return { router: 'vnc', service: 'gateway', path: url };
  if (path === ROUTES.apiPrefix || path.startsWith(`${ROUTES.apiPrefix}/`)) {
    const stripped = url.slice(ROUTES.apiPrefix.length);
    return { router: 'api', service: 'control', path: stripped.startsWith('/') ? stripped : `/${stripped}` };
  }
  if (path === '/' || path === ROUTES.uiPrefix || path.startsWith(`${ROUTES.uiPrefix}/`))
    return { router: 'ui', service: 'control', path: url };
  return undefined;
}
