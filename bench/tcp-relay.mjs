/** What Node does by itself: a relay of bytes, with neither frames nor limits. `node tcp-relay.mjs PORT BACKEND` */
import { connect, createServer } from 'node:net';

const [port, backend] = process.argv.slice(2).map(Number);
createServer({ noDelay: true }, (viewer) => {
  const runner = connect({ host: '127.0.0.1', port: backend, noDelay: true });
  const end = () => {
    viewer.destroy();
    runner.destroy();
  };
  for (const socket of [viewer, runner]) socket.on('error', end).on('close', end);
  viewer.pipe(runner).pipe(viewer);
}).listen({ port, host: '127.0.0.1', backlog: 4_096 });
