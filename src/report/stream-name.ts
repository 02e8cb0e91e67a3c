import type { StreamReport } from './shape.js';

/** `still, public`; with its traffic where it is not that of a viewer: `still, public, silent`. */
export function streamName({ mode, vantage, traffic = 'viewing' }: StreamReport): string {
  return [mode, vantage, ...(traffic === 'viewing' ? [] : [traffic])].join(', ');
}
