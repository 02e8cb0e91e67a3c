import type { Fault } from '../fault.js';
import { startFarDesk } from '../parts/desk.js';
import { startNetwork } from '../parts/network.js';

/** The link to the viewer takes 1280 bytes; the router says so to nobody. */
export const F72: Fault = {
  id: 'F72',
  title: 'small packets pass, the first picture never comes',
  needs: ['root', 'ip', 'nft', 'sysctl', 'Xvfb', 'x11vnc'],
  start: async (stage, is) => {
    const network = await startNetwork(stage);
    const { client, router, server } = network;
    if (is === 'broken') await router.run('ip', 'link', 'set', network.toClient, 'mtu', '1280');
    const rules =
      'table ip quiet { chain out { type filter hook output priority 0; icmp type destination-unreachable drop; } }';
    await network.filter(router, rules);
    const { gateway } = await startFarDesk(stage, server);
    return { flags: ['--url', gateway.url, '--duration', '3s'], namespace: client.name };
  },
};
