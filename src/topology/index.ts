/**
 * The topology: model, loader, rules over it, and the renderers. It reads files only in load.ts and templates.ts;
 * it knows no service's code and starts nothing.
 */
export {
  ENGINES,
  type EngineName,
  type Topology,
  ROUTES,
  publicOrigin,
} from './model.js';
export { COMPOSE_STATE, CONTAINER_USER, composeProject, composeSecrets } from './compose-state.js';
export { type FleetPaths, TOPOLOGY_FILE, fleetPaths, serviceLog } from './state.js';
export { type ReadTopology, loadTopology, parseTopology, readTopology } from './load.js';
export { explainTopology } from './explain.js';
export { listenerPorts, violationText, violations } from './invariants.js';
export { type Placement, composePlacement, localPlacement, swarmPlacement } from './placement.js';
export { serviceEnvironment } from './environment.js';
export { type Templates, TEMPLATE_FILES, loadTemplates } from './templates.js';
export { type RenderEngine, type RenderedFile, isPrivate, render, renderTraefik } from './render.js';
export { type ImageService, type ImageTarget, imageName } from './image-names.js';
export { leftOutOfChart } from './render-chart.js';
export { STACK_FILE, secretVariable, textVersion } from './render-swarm.js';
export { PROFILES } from './render-compose.js';
export { newTopologyText } from './create.js';
export { diffLines } from './diff.js';
