import type { Fault } from '../fault.js';
import { startSmallFleet } from '../parts/small-fleet.js';

/** The control plane hands out URLs with the name that the runner has inside its own network. */
export const F78: Fault = {
  id: 'F78',
  title: 'the URL that is handed out carries an internal name',
  needs: [],
  start: async (stage, is) => {
    const internal = (port: number): string => `runner-vnc:${port}`;
    const fleet = await startSmallFleet(stage, is === 'broken' ? { publicHost: internal } : {});
    const api = ['--control', fleet.api, '--header', fleet.authorization];
    return { flags: [...api, '--gateway-log', fleet.logs.gateway, '--duration', '3s'] };
  },
};
