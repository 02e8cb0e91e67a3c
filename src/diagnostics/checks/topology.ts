import { violations } from '../../topology/index.js';
import type { Check } from '../check.js';
import type { CheckContext } from './context.js';

export const topologyChecks: readonly Check<CheckContext>[] = [
  {
    id: 'topology.rules',
    hop: 'control',
    title: 'camofleet.yaml keeps every rule',
    needs: [],
    applies: ({ topology }) => topology !== undefined,
    budgetMs: 1_000,
    run: async ({ topology }) => {
      if (!topology) return { status: 'skip', because: 'no camofleet.yaml is part of this run' };
      const [worst, ...others] = violations(topology).toSorted((a, b) => a.severity.localeCompare(b.severity));
      if (!worst) return { status: 'pass', saw: 'no rule is broken' };
      const { severity, saw, want, remedy, id, path } = worst;
      const more = others.length === 0 ? '' : `; broken as well: ${others.map((other) => other.id).join(', ')}`;
      return {
        status: severity,
        saw: `${path}: ${saw} (${id})${more}`,
        want,
        code: 'CF-TOPOLOGY-RULE',
        confidence: 'proven',
        remedy,
      };
    },
  },
];
