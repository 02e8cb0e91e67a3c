import { channel as openChannel } from 'node:diagnostics_channel';

/** A typed fact that a service announces. Services publish; one subscriber writes the log; tests listen. */
export interface Channel<T extends object> {
  readonly name: string;
  publish(fact: T): void;
  /** Returns the function that ends the subscription. */
  subscribe(listener: (fact: T) => void): () => void;
}

/** `name` is dotted and is the `event` of the log line: `camofleet:gateway.session.opened` → `session.opened`. */
export function channel<T extends object>(name: string): Channel<T> {
  const inner = openChannel(`camofleet:${name}`);
  return {
    name,
    publish: (fact) => inner.publish(fact),
    subscribe: (listener) => {
      const onMessage = (fact: unknown): void => listener(fact as T);
      inner.subscribe(onMessage);
      return () => {
        inner.unsubscribe(onMessage);
      };
    },
  };
}
