import ipaddr from 'ipaddr.js';

/** The window in which failed attempts are counted. */
const WINDOW_MS = 60_000;
/** Addresses that are remembered; the one unseen for longest is forgotten first. */
const MAX_ADDRESSES = 10_000;

/** Who may come in now: places, draining, and addresses that failed too often. Pure but for its own counters. */
export class Admission {
  readonly #failures = new Map<string, number[]>();
  #taken = 0;
  #draining = false;

  constructor(private readonly limits: { readonly maxSessions: number; readonly failedAttemptsPerMinute: number }) {}

  get taken(): number {
    return this.#taken;
  }

  get draining(): boolean {
    return this.#draining;
  }

  startDraining(): void {
    this.#draining = true;
  }

  /** Whether an address has failed so often that it is not looked at; zero means no limit. */
  isBlocked(address: string, nowMs: number): boolean {
    const limit = this.limits.failedAttemptsPerMinute;
    return limit > 0 && this.#recent(address, nowMs).length >= limit;
  }

  failed(address: string, nowMs: number): void {
    const recent = [...this.#recent(address, nowMs), nowMs].slice(-Math.max(1, this.limits.failedAttemptsPerMinute));
    const block = blockOf(address);
    this.#failures.delete(block);
    this.#failures.set(block, recent);
    const [oldest] = this.#failures.keys();
    if (this.#failures.size > MAX_ADDRESSES && oldest !== undefined) this.#failures.delete(oldest);
  }

  /** Takes a place; the function gives it back, once. */
  take(): (() => void) | 'at_capacity' | 'draining' {
    if (this.#draining) return 'draining';
    if (this.#taken >= this.limits.maxSessions) return 'at_capacity';
    this.#taken += 1;
    let held = true;
    return () => {
      if (held) this.#taken -= 1;
      held = false;
    };
  }

  /** Whether a place could be had now. */
  peek(): 'ok' | 'at_capacity' | 'draining' {
    if (this.#draining) return 'draining';
    return this.#taken >= this.limits.maxSessions ? 'at_capacity' : 'ok';
  }

  #recent(address: string, nowMs: number): number[] {
    return (this.#failures.get(blockOf(address)) ?? []).filter((at) => nowMs - at < WINDOW_MS);
  }
}

/** What one subscriber holds and can change at will: an IPv4 address, or a /64 of IPv6. */
function blockOf(address: string): string {
  if (!ipaddr.IPv6.isValid(address)) return address;
  return `${ipaddr.IPv6.parse(address).parts.slice(0, 4).join(':')}/64`;
}
