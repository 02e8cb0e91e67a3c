/**
 * The topology: model, loader, rules over it, and the renderers. It reads files only in load.ts and templates.ts;
 * it knows no service's code and starts nothing.
 */
export {
  type Topology,
  ROUTES,
  SERVICE_HOSTS,
  pageTemplate,
  publicOrigin,
  socketTemplate,
  topologySchema,
} from './model.js';
export { type FleetPaths, STATE_FOLDER, TOPOLOGY_FILE, fleetPaths, serviceLog } from './state.js';
export { type FileProblem, loadTopology, parseTopology } from './load.js';
export { type Violation, listenerPorts, violations } from './invariants.js';
export { type Placement, composePlacement, localPlacement } from './placement.js';
export { serviceEnvironment } from './environment.js';
export { type Templates, TEMPLATE_FILES, loadTemplates } from './templates.js';
export { type RenderedFile, renderCompose, renderTraefik } from './render.js';
export { type Shift, newTopologyText, shiftTopology } from './create.js';
export { diffLines } from './diff.js';
