import { channel } from '../core/index.js';

export const listening = channel<{ host: string; port: number }>('ingress.listening');
export const stopping = channel<{ sockets: number; graceMs: number }>('ingress.stopping');
export const certificateRenewed = channel<{ file: string }>('certificate.renewed');
export const certificateProblem = channel<{ problem: string }>('certificate.problem');
export const upstreamFailed = channel<{ service: string; why: string; level: 'warn' }>('upstream.failed');

export const INGRESS_CHANNELS = [
  { channel: listening, level: 'info' },
  { channel: stopping, level: 'info' },
  { channel: certificateRenewed, level: 'info' },
  { channel: certificateProblem, level: 'error' },
  { channel: upstreamFailed, level: 'warn' },
] as const;
