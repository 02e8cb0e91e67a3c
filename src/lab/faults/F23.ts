import { openRoom } from '../parts/closed-way.js';
import { flagsOf, startDesk } from '../parts/desk.js';
import { routesTo, startTraefik } from '../parts/proxies.js';
import type { Fault } from '../fault.js';

/** The address of the service; that of the gateway is another. */
const ELSEWHERE = '127.0.0.9';

/** Packets to the address that Traefik took are dropped, as between networks that do not know each other. */
export const F23: Fault = {
  id: 'F23',
  title: 'packets of Traefik to the address of its service are dropped',
  needs: ['root', 'ip', 'nft', 'traefik', 'Xvfb', 'x11vnc'],
  start: async (stage, is) => {
    const room = await openRoom(stage);
    const desk = await startDesk(stage, { namespace: room.name, host: '0.0.0.0' });
    if (is === 'broken') await room.drop(ELSEWHERE, desk.gateway.port);
    const url = `http://${ELSEWHERE}:${desk.gateway.port}`;
    const traefik = await startTraefik(stage, { dynamic: routesTo(url), namespace: room.name });
    return { flags: flagsOf(traefik, desk), namespace: room.name };
  },
};
