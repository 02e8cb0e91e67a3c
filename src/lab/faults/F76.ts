import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../fault.js';
import { startScreen, startX11vnc } from '../parts/display.js';
import { startGateway } from '../parts/gateway.js';
import { startNetwork } from '../parts/network.js';

const HELD_MS = 9_000;

/** The cable is pulled while the picture is watched: nothing passes any more, and nobody is told. */
export const F76: Fault = {
  id: 'F76',
  title: 'the other side has vanished, and the socket stays open',
  needs: ['root', 'ip', 'nft', 'sysctl', 'Xvfb', 'x11vnc', 'xsetroot'],
  start: async (stage, is) => {
    const network = await startNetwork(stage);
    const { client, router, server } = network;
    const { display } = await startScreen(stage, { moving: true });
    const rfb = await startX11vnc(stage, { display, listen: server.address, namespace: server.name });
    const gateway = await startGateway(stage, {
      rfb: { host: server.address, port: rfb.port },
      host: server.address,
      namespace: server.name,
    });
    return {
      flags: ['--url', gateway.url, '--rfb', `${server.address}:${rfb.port}`, '--duration', '25s'],
      namespace: client.name,
      meanwhile: async (signal) => {
        await sleep(HELD_MS, undefined, { signal });
        const rules = 'table ip cut { chain through { type filter hook forward priority 0; policy drop; } }';
        if (is === 'broken') await network.filter(router, rules);
      },
    };
  },
};
