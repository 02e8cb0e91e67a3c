/** Moves masked payload from one place to another and unmasks it; `key` as RFC 6455 section 5.3, lowest byte first. */
export type Unmask = (from: number, to: number, length: number, key: number) => void;

/** What we use of it: the library of types without a browser does not know it. */
declare const WebAssembly: {
  readonly Memory: new (size: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer };
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: Readonly<Record<string, unknown>> };
};

const PAGE_BYTES = 65_536;

/** unmask.wat, assembled. */
const MODULE =
  'AGFzbQEAAAABCAFgBH9/f38AAhUBCWNhbW9mbGVldAZtZW1vcnkCAAEDAgEABwoBBnVubWFzawAACoABAX4CAX8BeyAD/REhBSAAIAJBcHFq' +
  'IQQCQANAIAAgBEYNASABIAD9AAAAIAX9Uf0LAAAgAEEQaiEAIAFBEGohAQwACwsgACACQQ9xaiEEAkADQCAAIARGDQEgASAALQAAIANzOgAA' +
  'IANBCHghAyAAQQFqIQAgAUEBaiEBDAALCws=';

/** Memory of a fixed size with an unmask over it: 16 bytes a step, about as fast as memory moves. */
export function unmaskMemory(bytes: number): { readonly memory: Buffer; readonly unmask: Unmask } {
  const pages = Math.ceil(bytes / PAGE_BYTES);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages }); // never grows, so its buffer is never detached
  const module = new WebAssembly.Module(Buffer.from(MODULE, 'base64'));
  const { exports } = new WebAssembly.Instance(module, { camofleet: { memory } });
  return { memory: Buffer.from(memory.buffer), unmask: exports['unmask'] as Unmask };
}
