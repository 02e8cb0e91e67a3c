import { mkdir } from 'node:fs/promises';
import { flagsOf, startDesk } from '../parts/desk.js';
import { startTraefik } from '../parts/proxies.js';
import type { Fault } from '../fault.js';

const MODULE = 'example.com/cache';
const MANIFEST = `displayName: cache
type: middleware
import: ${MODULE}
summary: keeps answers
testData: {}
`;
/** It looks at answers through a writer of its own, which can hand no connection over. */
const SOURCE = `package cache

import (
	"context"
	"net/http"
)

type Config struct{}

func CreateConfig() *Config { return &Config{} }

type recorder struct {
	http.ResponseWriter
	status int
}

func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

type cache struct{ next http.Handler }

func New(ctx context.Context, next http.Handler, config *Config, name string) (http.Handler, error) {
	return &cache{next: next}, nil
}

func (c *cache) ServeHTTP(rw http.ResponseWriter, req *http.Request) {
	c.next.ServeHTTP(&recorder{ResponseWriter: rw}, req)
}
`;

export const F29: Fault = {
  id: 'F29',
  title: 'a plugin of Traefik wraps the answer, and the upgrade fails',
  needs: ['traefik', 'Xvfb', 'x11vnc'],
  start: async (stage, is) => {
    const desk = await startDesk(stage);
    const folder = `plugins-local/src/${MODULE}`;
    await mkdir(`${stage.folder}/${folder}`, { recursive: true });
    await stage.file(`${folder}/.traefik.yml`, MANIFEST);
    await stage.file(`${folder}/go.mod`, `module ${MODULE}\n\ngo 1.22\n`);
    await stage.file(`${folder}/cache.go`, SOURCE);
    const middlewares = is === 'broken' ? ['cache'] : [];
    const servers = [{ url: `http://127.0.0.1:${desk.gateway.port}` }];
    const traefik = await startTraefik(stage, {
      static: { experimental: { localPlugins: { cache: { moduleName: MODULE } } } },
      dynamic: {
        http: {
          routers: { vnc: { rule: 'PathPrefix(`/`)', entryPoints: ['web'], service: 'vnc', middlewares } },
          middlewares: { cache: { plugin: { cache: {} } } },
          services: { vnc: { loadBalancer: { servers } } },
        },
      },
    });
    return { flags: flagsOf(traefik, desk) };
  },
};
