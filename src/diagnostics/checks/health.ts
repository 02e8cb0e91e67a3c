import type { Check } from '../check.js';
import type { DialFacts } from '../probe/facts.js';
import { type CheckContext, DIAL_BUDGET_MS } from './context.js';
import { sawIn } from './dialled.js';

/** What stands between a health check and the picture, in the order in which a viewer meets it. */
const DEPTHS: Readonly<Record<DialFacts['stage'], string>> = {
  dns: 'the name',
  tcp: 'the TCP connection',
  tls: 'TLS',
  http: 'the upgrade',
  upgrade: 'the upgrade',
  greeting: 'the RFB greeting',
  security: 'the RFB security handshake',
  serverInit: 'ServerInit',
  frame: 'the first picture',
  open: 'the picture',
};

/** A health check that is green while no session can be seen is what operators believe; so it is said first. */
export const healthCheck: Check<CheckContext> = {
  id: 'control.health',
  hop: 'control',
  title: 'the health check is green when the picture can be seen, and only then',
  needs: [],
  applies: ({ health, front }) => health.length > 0 && front !== undefined,
  budgetMs: DIAL_BUDGET_MS,
  run: async ({ front, askHealth, health }) => {
    if (!front) return { status: 'skip', because: 'no way in is known' };
    const [{ facts }, ...answers] = await Promise.all([front.dial(), ...health.map((url) => askHealth(url))]);
    const said = answers.map(({ url, saw }) => `${url.host}${url.pathname} says ${saw}`).join(', ');
    if (facts.stage === 'open') return { status: 'pass', saw: said };
    const [green] = answers.filter(({ isGreen }) => isGreen);
    if (!green) return { status: 'pass', saw: `${said}; it is red, as it should be` };
    const saw = `${said}, and tests ${green.depth} alone; the real path fails at ${DEPTHS[facts.stage]}: ${sawIn(facts)}`;
    const want = 'a health check that fails when no picture can be seen';
    return { status: 'fail', saw, want, code: 'CF-CONTROL-HEALTH', confidence: 'proven' };
  },
};
