import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../fault.js';
import { startFarDesk } from '../parts/desk.js';
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
    const { gateway, rfb } = await startFarDesk(stage, server, { moving: true });
    return {
      flags: ['--url', gateway.url, '--rfb', rfb, '--duration', '25s'],
      namespace: client.name,
      meanwhile: async (signal, setOff) => {
        await sleep(HELD_MS, undefined, { signal });
        const rules = 'table ip cut { chain through { type filter hook forward priority 0; policy drop; } }';
        setOff();
        if (is === 'broken') await network.filter(router, rules);
      },
    };
  },
};
