import { expect, test } from 'vitest';
import { sidecarOf } from '../../../src/diagnostics/capture/sidecar.ts';

test('a container that records has the network of another one, and of everything else as little as can be', () => {
  const { args } = sidecarOf('lab-gateway-1', {
    docker: 'docker',
    image: 'camofleet/capture:1.2.3',
    tcpdump: ['-w', '-'],
    longestMs: 60_500,
  });
  const name = args[args.indexOf('--name') + 1]!;
  expect(name).toMatch(/^camofleet-capture-[0-9a-f]{12}$/);
  expect(args.join(' ').replace(name, 'NAME')).toBe(
    [
      'run --rm --pull never --name NAME --label camofleet.capture --log-driver none',
      '--network container:lab-gateway-1 --user 0:0 --cap-drop ALL',
      '--cap-add NET_RAW --cap-add SETUID --cap-add SETGID --cap-add KILL',
      '--security-opt no-new-privileges --read-only --memory 96m --pids-limit 16',
      'camofleet/capture:1.2.3 --signal=INT 961 /usr/bin/tcpdump -w -',
    ].join(' '),
  );
});
