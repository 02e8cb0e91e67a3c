import type { Fault } from '../fault.js';
import { startScreen, startX11vnc } from '../parts/display.js';
import { startGateway } from '../parts/gateway.js';
import { startNetwork } from '../parts/network.js';

const FORGETS_S = 6;

/** A router that translates addresses forgets flows that are quiet; nobody pings. */
export const F73: Fault = {
  id: 'F73',
  title: 'the network forgets flows that are quiet',
  needs: ['root', 'ip', 'nft', 'sysctl', 'Xvfb', 'x11vnc'],
  start: async (stage, is) => {
    const network = await startNetwork(stage);
    const { client, router, server } = network;
    const rules = `table ip address { chain out { type nat hook postrouting priority 100; oifname "${network.toServer}" masquerade; } }`;
    await network.filter(router, rules);
    const seconds = is === 'broken' ? FORGETS_S : 900;
    for (const setting of [`nf_conntrack_tcp_timeout_established=${seconds}`, 'nf_conntrack_tcp_loose=0'])
      await network.run(router, 'sysctl', '-q', '-w', `net.netfilter.${setting}`);
    const { display } = await startScreen(stage);
    const rfb = await startX11vnc(stage, { display, listen: server.address, namespace: server.name });
    const gateway = await startGateway(stage, {
      rfb: { host: server.address, port: rfb.port },
      host: server.address,
      namespace: server.name,
      env: { WS_PING_INTERVAL_MS: '0' },
    });
    return {
      flags: ['--url', gateway.url, '--duration', '30s'],
      namespace: client.name,
    };
  },
};
