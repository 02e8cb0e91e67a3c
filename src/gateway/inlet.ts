/** Takes what is read. */
export interface Sink {
  /** `length` bytes lie at the beginning of the buffer that is read into; false: no more, please. */
  take(length: number): boolean;
}

/** What a socket reads goes through here, so that who takes it can change and the socket holds nothing else. */
export class Inlet {
  constructor(public sink: Sink) {}
}

/**
 * What Node calls with the length of each read. All sockets of a process have theirs from this one place, and there are
 * few kinds of sinks: V8 then compiles the whole way from Node's own callback to the sink into one piece. With two places,
 * or sinks that are functions, it calls each of them through a builtin that knows nothing of them.
 */
export function callbackOf(inlet: Inlet): Sink['take'] {
  return (length) => inlet.sink.take(length);
}

/** A sink of the time before a relay: whatever a function does. */
export class Reading implements Sink {
  constructor(readonly take: Sink['take']) {}
}
