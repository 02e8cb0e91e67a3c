import type { Fault } from '../fault.js';
import { startFarDesk } from '../parts/desk.js';
import { startNetwork } from '../parts/network.js';

/** TCP that accepts, and UDP that answers as a server of QUIC answers a version that it does not speak. */
const site = (address: string, port: number): string => `const [address, port] = ${JSON.stringify([address, port])};
require('node:net').createServer((socket) => socket.end()).listen(port, address);
const udp = require('node:dgram').createSocket('udp4');
udp.on('message', (_packet, from) => udp.send(Buffer.from([128, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]), from.port, from.address));
udp.bind(port, address);`;

/** The picture is well; the browser behind it cannot reach sites by QUIC. */
export const F70: Fault = {
  id: 'F70',
  title: 'the error is a page inside the remote browser',
  needs: ['root', 'ip', 'nft', 'sysctl', 'Xvfb', 'x11vnc'],
  start: async (stage, is) => {
    const network = await startNetwork(stage);
    const { client, router, server } = network;
    const port = await stage.port();
    const script = site(router.address, port);
    await stage.start({ program: stage.node, args: ['-e', script], namespace: router.name, port });
    const { gateway, rfb } = await startFarDesk(stage, server);
    const rules = `table ip fence { chain out { type filter hook output priority 0; udp dport ${port} drop; } }`;
    if (is === 'broken') await network.filter(server, rules);
    return {
      flags: ['--url', gateway.url, '--rfb', rfb, '--egress', `${router.address}:${port}`].concat(['--duration', '3s']),
      namespace: client.name,
    };
  },
};
