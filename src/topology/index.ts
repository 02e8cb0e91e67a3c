/**
 * The topology: model, loader, rules over it, and the renderers. It reads files only in load.ts and templates.ts;
 * it knows no service and starts nothing.
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
