/** The way of the bytes between viewers and runners. It knows sockets, frames and limits; no token, no route. */
export { type ViewerSocket } from './viewer-socket.js';
export { handshakeOf } from './handshake.js';
export { socketDataPath } from './data-path.js';
