import type { CutTimes } from '../../report/index.js';
import { VANTAGES } from '../subjects/index.js';
import type { JudgedStream } from './judged.js';
import { pingEveryMs } from './remedies.js';
import { type Measured, isCut, isMeasured } from './theories.js';
import { TRAFFIC } from './traffic.js';
import { type Timer, timerOf } from './timers.js';

/** After how long each kind of traffic was cut at each vantage point, and what to set: the result of a search. */
export function cutTimesOf(streams: readonly JudgedStream[], boundMs: number): CutTimes {
  const measured = streams.filter(isMeasured);
  const timers = VANTAGES.flatMap((vantage) => {
    const timer = timerOf(measured.filter((one) => one.vantage === vantage));
    return timer ? [{ vantage, timer }] : [];
  });
  const idle = timers.filter(({ timer }) => timer.counted === 'wire');
  const shortest = Math.min(...idle.map(({ timer }) => timer.best.limit));
  return {
    boundMs,
    rows: VANTAGES.flatMap((vantage) =>
      TRAFFIC.flatMap((traffic) => {
        const own = measured.filter((one) => one.vantage === vantage && one.traffic === traffic);
        const timer = timers.find((one) => one.vantage === vantage)?.timer;
        return own.length === 0 ? [] : [{ vantage, traffic, ...timesOf(own, timer) }];
      }),
    ),
    pingEveryMs: Number.isFinite(shortest) ? pingEveryMs(shortest) : null,
    set: settings(
      timers.map(({ vantage }) => vantage),
      shortest,
    ),
  };
}

/** The shortest cut of a kind, by the clock that explains it, else by age; else the longest life. */
function timesOf(own: readonly Measured[], timer: Timer | undefined): { cutMs: number | null; outlivedMs: number } {
  const ages = own.map(({ readings }) => Math.round(readings.ageMs));
  const theory = timer?.best.theory;
  const clock =
    theory === undefined || theory === 'lifetime' || theory === 'bytes' || theory === 'event' ? undefined : theory;
  const cuts = own.filter(isCut).map(({ readings, traffic }) => {
    if (clock !== undefined) return readings.clocks[clock].runningMs;
    return traffic === 'silent' && theory === undefined ? readings.clocks.anyByte.runningMs : readings.ageMs;
  });
  return cuts.length > 0
    ? { cutMs: Math.round(Math.min(...cuts)), outlivedMs: 0 }
    : { cutMs: null, outlivedMs: Math.max(...ages) };
}

function settings(cutAt: readonly string[], shortestMs: number): CutTimes['set'] {
  if (cutAt.length === 0) return [];
  const pings = Number.isFinite(shortestMs)
    ? [
        {
          where: 'gateway',
          what: `WS_PING_INTERVAL_MS=${pingEveryMs(shortestMs)} (gateway.pingIntervalMs), a third of the timer`,
        },
      ]
    : [];
  if (!cutAt.includes('public') || cutAt.includes('gateway'))
    return [
      ...pings,
      { where: 'gateway', what: 'its idle, read and lifetime timeouts: the cut is seen at its own port' },
    ];
  return [
    ...pings,
    { where: 'nginx', what: 'proxy_read_timeout 3600s; proxy_send_timeout 3600s;' },
    { where: 'HAProxy', what: 'timeout tunnel 1h' },
    { where: 'Traefik', what: 'nothing: no timeout of it ends an open socket' },
  ];
}
