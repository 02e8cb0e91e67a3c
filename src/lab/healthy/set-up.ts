/** What a healthy path is made of, hop by hop, and what goes on around it. */
export interface SetUp {
  readonly front: Front;
  readonly relay: Relay;
  readonly screen: Screen;
  readonly weather: Weather;
  readonly sight: Sight;
}

const FRONTS = ['none', 'traefik', 'traefik-tls', 'nginx', 'haproxy', 'nginx-traefik'] as const;
const RELAYS = ['gateway', 'websockify'] as const;
const SCREENS = ['x11vnc', 'x11vnc-moving', 'Xtigervnc'] as const;
const WEATHERS = ['calm', 'busy', 'slow-link', 'leaving'] as const;
const SIGHTS = ['outside', 'inside'] as const;

/** What stands in front of the relay, with timers that let a still picture stand. */
export type Front = (typeof FRONTS)[number];
export type Relay = (typeof RELAYS)[number];
export type Screen = (typeof SCREENS)[number];
/** Around it: nothing, a host without a free core, a link of 20 Mbit/s, another viewer that leaves by itself. */
export type Weather = (typeof WEATHERS)[number];
/** Whether verify has the public URL alone, or the gateway, the RFB server and the logs as well. */
export type Sight = (typeof SIGHTS)[number];

/**
 * The first `count` set-ups of a walk through all that there are, the same each time. Neighbours differ in nearly everything, so
 * that a short walk has met every part.
 */
export function setUps(count: number): readonly SetUp[] {
  return Array.from({ length: count }, (_, index): SetUp => {
    const round = Math.floor(index / 12);
    return {
      front: at(FRONTS, index),
      relay: at(RELAYS, index + Math.floor(index / 6)),
      screen: at(SCREENS, index + round),
      weather: at(WEATHERS, index + Math.floor(index / 4)),
      sight: at(SIGHTS, index + Math.floor(index / 2)),
    };
  });
}

export function wordsOf({ front, relay, screen, weather, sight }: SetUp): string {
  return [front === 'none' ? '' : front, relay, screen, weather, sight].filter(Boolean).join(', ');
}

function at<T>(values: readonly T[], index: number): T {
  return values[index % values.length]!;
}
