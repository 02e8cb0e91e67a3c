import { join, relative } from 'node:path';
import type { Topology } from './model.js';
import { type Placement, composePlacement, localPlacement, swarmPlacement } from './placement.js';
import { CHART_HEADER, renderChartValues } from './render-chart.js';
import { renderCompose } from './render-compose.js';
import { STACK_FILE, renderSwarm } from './render-swarm.js';
import { renderDynamic, renderLabels, renderStatic } from './render-traefik.js';
import { type FleetPaths, STATE_FOLDER } from './state.js';
import type { Templates } from './templates.js';

/** What can be rendered for. */
export type RenderEngine = 'compose' | 'local' | 'swarm' | 'kubernetes';

/** A file that follows from the topology: its path below the fleet's folder, and its text. */
export interface RenderedFile {
  readonly path: string;
  readonly text: string;
}

export interface RenderInput {
  readonly paths: FleetPaths;
  readonly templates: Templates;
  /** Of the images. */
  readonly version: string;
}

/** Every file of an engine: the same topology gives the same text. Throws CF_TEMPLATE_INVALID. */
export function render(topology: Topology, engine: RenderEngine, input: RenderInput): readonly RenderedFile[] {
  const { paths, templates, version } = input;
  switch (engine) {
    case 'compose': {
      const placement = composePlacement(topology);
      const traefik = renderTraefik(topology, placement, templates);
      const routes = placement.labels ? renderLabels(topology, placement, templates.dynamic) : undefined;
      const text = renderCompose(topology, templates.compose, version, placement, { routes, traefik: traefik.static });
      return [
        { path: 'compose.yaml', text },
        { path: 'seccomp/chromium.json', text: templates.seccomp.text },
        { path: 'traefik/traefik.yaml', text: traefik.static },
        { path: 'traefik/dynamic/camofleet.yaml', text: traefik.dynamic },
      ];
    }
    case 'swarm': {
      const traefik = renderTraefik(topology, swarmPlacement(topology), templates);
      const files = {
        static: { path: 'traefik/traefik.yaml', text: traefik.static },
        dynamic: { path: 'traefik/dynamic/camofleet.yaml', text: traefik.dynamic },
      };
      const stack = renderSwarm(topology, templates.compose, files, version);
      return [{ path: STACK_FILE, text: stack }, files.static, files.dynamic];
    }
    case 'kubernetes':
      return [{ path: 'kubernetes/values.yaml', text: `${CHART_HEADER}${renderChartValues(topology)}` }];
    case 'local': {
      const traefik = renderTraefik(topology, localPlacement(topology, paths), templates);
      const folder = relative(paths.root, paths.rendered(engine));
      return [
        { path: join(folder, 'traefik.yaml'), text: traefik.static },
        { path: join(folder, 'dynamic', 'camofleet.yaml'), text: traefik.dynamic },
      ];
    }
  }
}

/** Traefik's two files for a placement. */
export function renderTraefik(
  topology: Topology,
  placement: Placement,
  templates: Templates,
): { static: string; dynamic: string } {
  return {
    static: renderStatic(topology, placement, templates.traefik),
    dynamic: renderDynamic(topology, placement, templates.dynamic),
  };
}

/** Whether a rendered file is state of this host, which nobody else may read. */
export function isPrivate(path: string): boolean {
  return path.split('/')[0] === STATE_FOLDER;
}
