import type { Clock } from '../../core/index.js';
import type { DataPath } from '../data-path.js';
import { Acknowledgements } from './acknowledgements.js';
import { SocketRelay } from './relay.js';
import { Ticker } from './ticker.js';
import { ViewerSocket } from './viewer-socket.js';
import { makeWorkspace } from './workspace.js';

/** The data path on bare sockets: no memory is allocated for a read, and each read leaves in one write. */
export function socketDataPath(clock: Clock): DataPath {
  const workspace = makeWorkspace();
  const ticker = new Ticker();
  const acknowledgements = new Acknowledgements();
  return {
    fromRunners: workspace.fromRunners,
    fromViewers: workspace.fromViewers,
    adopt: (socket) => {
      const viewer = new ViewerSocket(socket, workspace);
      return viewer.adopt() ? viewer : undefined;
    },
    take: (socket) => {
      const viewer = new ViewerSocket(socket, workspace);
      if (!viewer.adopt()) viewer.listen();
      return viewer;
    },
    accept: (viewer, handshake, upstream, options) =>
      viewer.socket.destroyed || viewer.socket.readableEnded
        ? undefined
        : new SocketRelay({ viewer, handshake, upstream, workspace, ticker, acknowledgements, clock }, options),
  };
}
