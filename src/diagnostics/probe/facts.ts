import type { EndHow } from '../../report/index.js';

/** How far a dial got, in order. */
export const STAGES = [
  'dns',
  'tcp',
  'tls',
  /** Until an answer of 101. */
  'http',
  /** The 101 is one that a browser takes. */
  'upgrade',
  'greeting',
  'security',
  'serverInit',
  'frame',
  'open',
] as const;
export type Stage = (typeof STAGES)[number];

/** What one dial saw, stage by stage. Times in milliseconds; what was not reached is absent. */
export interface DialFacts {
  /** The stage that was not passed; `open` when all were. */
  stage: Stage;
  /** In words, what went wrong. */
  failure?: string;
  /** The system's code: ECONNREFUSED, ENOTFOUND, CERT_HAS_EXPIRED, … */
  errorCode?: string;
  /** How the RFB opening stopped: nothing came in time, bytes that are no RFB, the other side ended, or it said no. */
  stop?: 'silence' | 'malformed' | 'ended' | 'refused';
  /** What was malformed was a frame of WebSocket, not what travels in it. */
  brokeFrames?: boolean;
  /** RFB came in text messages, as base64 does. */
  sentText?: boolean;
  /** When the RFB opening stopped, counted from the socket that was open. */
  stoppedAfterMs?: number;
  /** Of a close frame that came during the opening. */
  closeCode?: number;
  /** What came in place of TLS was none. */
  isPlaintext?: true;
  localPort?: number;
  dns?: { addresses: string[]; tookMs: number };
  tcp?: { address: string; tookMs: number };
  tls?: {
    authorized: boolean;
    problem: string | undefined;
    protocol: string;
    subject: string;
    validTo: string;
    tookMs: number;
  };
  http?: {
    status: number;
    headers: Record<string, string>;
    /** The first characters of a refusal. */
    body: string;
    key: string;
    wantedAccept: string;
    tookMs: number;
  };
  rfb?: {
    version?: string;
    types?: number[];
    security?: number;
    refused?: string;
    /** Nothing was refused: a password is wanted and none is known, or only types are offered that verify does not speak. */
    noCommonSecurity?: 'password' | 'types';
    width?: number;
    height?: number;
    name?: string;
    greetingMs?: number;
    initMs?: number;
  };
  /** The picture was on its way when time was up: so many bytes of it had come in so long, and more came to the last. */
  flowing?: { bytes: number; forMs: number };
  /** Of a line on which a whole picture does not come in time: a corner of it does. */
  thin?: { bytesPerSecond: number };
  /** `isPlain`: one colour, but for a pointer; absent where the picture was not kept. */
  frame?: { pixels: number; tookMs: number; isPlain?: boolean };
}

/** How a stream ended, as this side of it saw. `atMs` counts from the opening. */
export interface StreamEnd {
  readonly how: EndHow;
  /** Null when no close frame came. */
  readonly code: number | null;
  readonly reason: string;
  readonly atMs: number;
  /** Wall clock, milliseconds since the epoch. */
  readonly at: number;
  readonly bySelf: boolean;
}
