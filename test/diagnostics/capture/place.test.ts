import { describe, expect, test } from 'vitest';
import { captureFile, parsePlaces, placeText } from '../../../src/diagnostics/capture/index.ts';

describe('what --capture names', () => {
  test.each([
    ['auto', [{ device: undefined }], ['vnc.tcpdump.pcap'], ['any interface']],
    ['off', [], [], []],
    [
      'eth0,wg0',
      [{ device: 'eth0' }, { device: 'wg0' }],
      ['vnc.tcpdump.pcap', 'vnc.wg0.tcpdump.pcap'],
      ['interface eth0', 'interface wg0'],
    ],
    [
      'auto, netns:router/veth1',
      [{ device: undefined }, { device: 'veth1', namespace: { file: '/run/netns/router', name: 'router' } }],
      ['vnc.tcpdump.pcap', 'vnc.router.veth1.tcpdump.pcap'],
      ['any interface', 'interface veth1 of namespace router'],
    ],
    [
      'pid:42',
      [{ device: undefined, namespace: { file: '/proc/42/ns/net', name: 'pid-42' } }],
      ['vnc.tcpdump.pcap'],
      ['any interface of namespace pid-42'],
    ],
    [
      'container:lab-gateway-1,container:0af1/eth0',
      [
        { device: undefined, container: 'lab-gateway-1' },
        { device: 'eth0', container: '0af1' },
      ],
      ['vnc.tcpdump.pcap', 'vnc.0af1.eth0.tcpdump.pcap'],
      ['any interface of container lab-gateway-1', 'interface eth0 of container 0af1'],
    ],
    ['eth0,eth0', [{ device: 'eth0' }], ['vnc.tcpdump.pcap'], ['interface eth0']],
  ])('%s', (text, places, files, words) => {
    expect(parsePlaces(text)).toEqual(places);
    expect(places.map(captureFile)).toEqual(files);
    expect(places.map(placeText)).toEqual(words);
  });

  test.each([
    ['off,eth0', 'wanted off alone'],
    ['', 'wanted auto, off, an interface'],
    ['-w', 'wanted auto, off, an interface'],
    ['netns:../../etc', 'wanted auto, off, an interface'],
    ['pid:x', 'wanted auto, off, an interface'],
    ['container:--privileged', 'wanted auto, off, an interface'],
    ['a,b,c,d,e,f,g,h,i', 'wanted at most 8 places'],
  ])('and %j is not', (text, words) => {
    expect(() => parsePlaces(text)).toThrow(words);
  });
});
