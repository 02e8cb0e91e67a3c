import type { Fault } from '../fault.js';
import { startFarDesk } from '../parts/desk.js';
import { startNetwork } from '../parts/network.js';

/** The gateway stands on the router, whose firewall drops what it sends to the RFB port; what passes through is let pass. */
export const F77: Fault = {
  id: 'F77',
  title: 'packets from the gateway to the runner are dropped',
  needs: ['root', 'ip', 'nft', 'sysctl', 'Xvfb', 'x11vnc'],
  start: async (stage, is) => {
    const network = await startNetwork(stage);
    const { client, router, server } = network;
    const { gateway, rfb, rfbPort } = await startFarDesk(stage, server, { gatewayAt: router });
    const rules = `table ip fence { chain out { type filter hook output priority 0; tcp dport ${rfbPort} drop; } }`;
    if (is === 'broken') await network.filter(router, rules);
    return {
      flags: ['--url', gateway.url, '--rfb', rfb, '--gateway-log', gateway.log].concat(['--duration', '3s']),
      namespace: client.name,
    };
  },
};
