import { join } from 'node:path';
import {
  type FleetPaths,
  type Placement,
  type RenderEngine,
  type Templates,
  type Topology,
  composePlacement,
  localPlacement,
  swarmPlacement,
} from '../topology/index.js';

/** What the guide is about: a fleet, and where an engine puts its parts. */
export interface GuideSubject {
  readonly topology: Topology;
  readonly engine: RenderEngine;
  readonly placement: Placement;
  readonly templates: Templates;
  /** Where a proxy in Traefik's place writes its access log. */
  readonly accessLog: (program: string) => string;
  /** Chain and key in one file, as HAProxy wants them. */
  readonly pem: string;
  /** Pages that only the project's own repository has: `code-snippets.md`, `repo-inventory.txt`, a verified run. */
  readonly isProject: boolean;
}

/** The subject for an engine; undefined where the guide cannot say where the parts are. */
export function guideSubject(
  engine: RenderEngine,
  topology: Topology,
  templates: Templates,
  paths: FleetPaths,
): GuideSubject | undefined {
  switch (engine) {
    case 'compose':
      return composeSubject(topology, templates);
    case 'swarm':
      return { ...composeSubject(topology, templates), engine, placement: swarmPlacement(topology) };
    case 'local':
      return localSubject(topology, templates, paths);
    default:
      return undefined;
  }
}

/** The fleet as containers of one Compose project. */
export function composeSubject(topology: Topology, templates: Templates, isProject = false): GuideSubject {
  return {
    topology,
    engine: 'compose',
    placement: composePlacement(topology),
    templates,
    accessLog: (program) => `/var/log/${program}/access.log`,
    pem: '/etc/haproxy/camofleet.pem',
    isProject,
  };
}

/** The fleet as processes of one host. */
export function localSubject(topology: Topology, templates: Templates, paths: FleetPaths): GuideSubject {
  return {
    topology,
    engine: 'local',
    placement: localPlacement(topology, paths),
    templates,
    accessLog: (program) => join(paths.logs, `${program}-access.log`),
    pem: join(paths.pki, 'leaf-with-key.pem'),
    isProject: false,
  };
}
