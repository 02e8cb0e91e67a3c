import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../fault.js';
import { startFarDesk } from '../parts/desk.js';
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
      await router.run('sysctl', '-q', '-w', `net.netfilter.${setting}`);
    const { gateway } = await startFarDesk(stage, server, { env: { WS_PING_INTERVAL_MS: '0' } });
    return {
      flags: ['--url', gateway.url, '--duration', '30s'],
      namespace: client.name,
      meanwhile: async (signal, setOff) => {
        await sleep(seconds * 1_000, undefined, { signal });
        setOff(); // no flow is forgotten sooner
      },
    };
  },
};
