import { networkInterfaces } from 'node:os';
import type { Fault } from '../fault.js';
import { startScreen, startX11vnc } from '../parts/display.js';
import { startGateway } from '../parts/gateway.js';

/** x11vnc listens on 127.0.0.1, the gateway dials another address of its machine, as from another container. */
export const F52: Fault = {
  id: 'F52',
  title: 'the VNC server listens on loopback only, the gateway dials its address',
  needs: ['Xvfb', 'x11vnc'],
  start: async (stage, is) => {
    const { display } = await startScreen(stage);
    const host = ownAddress();
    const rfb = await startX11vnc(stage, { display, listen: is === 'broken' ? '127.0.0.1' : host });
    const gateway = await startGateway(stage, { rfb: { host, port: rfb.port } });
    const logs = ['--gateway-log', gateway.log, '--runner-log', rfb.process.logFile];
    return { flags: ['--url', gateway.url, '--rfb', `${host}:${rfb.port}`, ...logs, '--duration', '3s'] };
  },
};

/** An address of this machine that others reach; where it has none, one of loopback that is not the usual one. */
function ownAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.2';
}
