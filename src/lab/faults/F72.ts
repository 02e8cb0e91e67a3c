import type { Fault } from '../fault.js';
import { startScreen, startX11vnc } from '../parts/display.js';
import { startGateway } from '../parts/gateway.js';
import { startNetwork } from '../parts/network.js';

/** The link to the viewer takes 1280 bytes; the router says so to nobody. */
export const F72: Fault = {
  id: 'F72',
  title: 'small packets pass, the first picture never comes',
  needs: ['root', 'ip', 'nft', 'sysctl', 'Xvfb', 'x11vnc'],
  start: async (stage, is) => {
    const network = await startNetwork(stage);
    const { client, router, server } = network;
    if (is === 'broken') await network.run(router, 'ip', 'link', 'set', network.toClient, 'mtu', '1280');
    const rules =
      'table ip quiet { chain out { type filter hook output priority 0; icmp type destination-unreachable drop; } }';
    await network.filter(router, rules);
    const { display } = await startScreen(stage);
    const rfb = await startX11vnc(stage, { display, listen: server.address, namespace: server.name });
    const gateway = await startGateway(stage, {
      rfb: { host: server.address, port: rfb.port },
      host: server.address,
      namespace: server.name,
    });
    return { flags: ['--url', gateway.url, '--duration', '3s'], namespace: client.name };
  },
};
