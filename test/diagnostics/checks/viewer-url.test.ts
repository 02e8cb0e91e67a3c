import { expect, test } from 'vitest';
import { socketOf } from '../../../src/diagnostics/checks/viewer-url.ts';

test.each<readonly [page: string, socket: string | undefined]>([
  ['https://h.example/vnc/a', undefined],
  ['https://h.example/vnc.html?autoconnect=1', undefined],
  ['https://h.example:8443/vnc.html?path=websockify', 'wss://h.example:8443/websockify'],
  ['http://h.example/vnc.html?path=/a/websockify', 'ws://h.example/a/websockify'],
  ['https://h.example/vnc.html?encrypt=0', 'ws://h.example/websockify'],
  ['https://h.example/vnc.html#host=other.example&port=6080&encrypt=true', 'wss://other.example:6080/websockify'],
  ['https://h.example/vnc.html?path=websockify%3Ftoken%3Dx', 'wss://h.example/websockify?token=x'],
  ['https://h.example/vnc.html?host=%20%20', undefined],
])('%s dials %s', (page, socket) => {
  expect(socketOf(new URL(page))?.href).toBe(socket);
});
