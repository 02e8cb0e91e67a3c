import ipaddr from 'ipaddr.js';

/** The window in which failed attempts are counted. */
const WINDOW_MS = 60_000;
/** Addresses that are remembered; the one unseen for longest is forgotten first. */
const MAX_ADDRESSES = 10_000;

type Soon<T> = T | Promise<T>;

export type Places = 'ok' | 'at_capacity' | 'draining';

/** Who may come in now, at this process or, where several share a port, at all of them. */
export interface Door {
  readonly draining: boolean;
  startDraining(): void;
  /** Whether a place could be had now; of several processes by the last word. */
  peek(): Places;
  /** Takes a place, for a token where there is one; the function gives it back, once. */
  take(jti: string | undefined): Soon<(() => void) | 'at_capacity' | 'draining'>;
  /** Whether a token has a place. */
  holds(jti: string): Soon<boolean>;
  /** Whether an address has failed so often that it is not looked at; zero means no limit. */
  isBlocked(address: string, nowMs: number): Soon<boolean>;
  failed(address: string, nowMs: number): void;
}

/** The door of one process: places, draining, and addresses that failed too often. Pure but for its own counters. */
export class Admission implements Door {
  readonly #failures = new Map<string, number[]>();
  readonly #holders = new Map<string, number>();
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

  take(jti: string | undefined): (() => void) | 'at_capacity' | 'draining' {
    if (this.#draining) return 'draining';
    if (this.#taken >= this.limits.maxSessions) return 'at_capacity';
    this.#count(jti, 1);
    let held = true;
    return () => {
      if (held) this.#count(jti, -1);
      held = false;
    };
  }

  holds(jti: string): boolean {
    return this.#holders.has(jti);
  }

  peek(): Places {
    if (this.#draining) return 'draining';
    return this.#taken >= this.limits.maxSessions ? 'at_capacity' : 'ok';
  }

  #count(jti: string | undefined, change: 1 | -1): void {
    this.#taken += change;
    if (jti === undefined) return;
    const held = (this.#holders.get(jti) ?? 0) + change;
    if (held > 0) this.#holders.set(jti, held);
    else this.#holders.delete(jti);
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
