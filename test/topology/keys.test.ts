import { describe, expect, test } from 'vitest';
import { namesAt, wantedAt } from '../../src/topology/keys.ts';

describe('the valid names', () => {
  test.each([
    [
      [],
      [
        'version',
        'engine',
        'logLevel',
        'fleet',
        'public',
        'tls',
        'ingress',
        'gateway',
        'runner',
        'control',
        'containers',
        'swarm',
        'edge',
      ],
    ],
    [['tls'], ['mode', 'certificate', 'key', 'email']],
    [
      ['runner', 'rfbPorts'],
      ['min', 'max'],
    ],
    [
      ['edge', 3],
      ['name', 'idleTimeoutMs'],
    ],
    [
      ['runner', 'browsers', 'mine'],
      ['command', 'playwright'],
    ],
    [['runner', 'browsers'], []],
    [['gateway', 'port'], []],
    [['nowhere', 'at', 'all'], []],
  ])('at %j are %j', (path, names) => {
    expect(namesAt(path)).toEqual(names);
  });
});

describe('what is wanted', () => {
  test.each([
    [[], 'a section of keys and values'],
    [['fleet'], 'a section of id'],
    [['gateway', 'port'], 'a port from 1 to 65535'],
    [['edge'], 'a list, each item a section of name, idleTimeoutMs'],
    [['gateway', 'frameAncestors'], 'a list'],
    [['gateway', 'frameAncestors', 0], 'text'],
    [['runner', 'browsers'], 'a section of names, each with a section of command, playwright'],
    [['runner', 'browsers', 'mine', 'command'], 'a list of the program and its arguments'],
    [['runner', 'browsers', 'mine', 'playwright'], 'true or false'],
  ])('at %j is %s', (path, want) => {
    expect(wantedAt(path)).toBe(want);
  });
});
