import { isHost, isNetwork } from '../core/index.js';

/** Forms of text that several settings and the topology share: a test, and what is wanted in words. */
export const ORIGINS = {
  test: (item: string): boolean => /^https?:\/\//.test(item) && URL.canParse(item) && new URL(item).origin === item,
  want: 'an origin like https://host[:port], in lower case and without a path',
};

export const NETWORKS = { test: isNetwork, want: 'an address or a network like 10.0.0.7 or 10.0.0.0/8' };

/** Where a replica is: by address, by a name that may be that of all, or by the network that it has an address of. */
export const PLACES = {
  test: (text: string): boolean => isHost(text) || isNetwork(text),
  want: 'a host name, an IP address or a network like 10.0.0.0/24, without port and brackets',
};

export const SUBNET = {
  test: (text: string): boolean => text.includes('/') && isNetwork(text),
  want: 'a network like 10.0.0.0/24',
};

export const TARGETS = { test: isTarget, want: 'a target like host:port, host:min-max or 10.0.0.0/8:min-max' };

export const NAME = { pattern: /^[A-Za-z0-9_.-]{1,64}$/, want: '1 to 64 of A-Z a-z 0-9 _ . -' };

/** What a session can show without a browser of its own: names that `browser` takes beside the configured ones. */
export const TEST_CARDS = ['testcard', 'testcard-still'] as const;
/** A display on which nothing runs: a still screen. */
export const NO_BROWSER = 'none';

const BUILT_IN: readonly string[] = [...TEST_CARDS, NO_BROWSER];

export const BROWSER_NAME = {
  test: (name: string): boolean => NAME.pattern.test(name) && !BUILT_IN.includes(name),
  want: `${NAME.want}, and none of ${BUILT_IN.join(', ')}`,
};

export const RESOLUTION = {
  pattern: /^\d{2,5}x\d{2,5}x(16|24)$/,
  want: 'width x height x depth like 1920x1080x24, the depth 16 or 24',
};

function isTarget(text: string): boolean {
  const match = /^(.+):(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  const [min, max] = [Number(match?.[2]), Number(match?.[3] ?? match?.[2])];
  const host = match?.[1]?.replace(/^\[(.*)\]$/, '$1') ?? '';
  return min <= max && max <= 65_535 && (isHost(host) || isNetwork(host));
}
