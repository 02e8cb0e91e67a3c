import { channel } from '../../core/index.js';

export const fleetUp = channel<{ url: string; ingress: string; tookMs: number }>('fleet.up');
export const serviceStarted = channel<{ service: string; pid: number }>('service.started');
export const serviceReady = channel<{ service: string; tookMs: number }>('service.ready');
export const serviceFailed = channel<{ service: string; because: string }>('service.failed');
export const serviceDied = channel<{ service: string; how: string; retryInMs: number }>('service.died');
export const serviceStopped = channel<{ service: string; how: string; tookMs: number }>('service.stopped');
export const swept = channel<{ service: string; pid: number }>('leftover.swept');
export const recordUnwritten = channel<{ problem: string }>('record.unwritten');

export const serviceReplaced = channel<{
  service: string;
  how: string;
  because: string;
  tookMs: number;
  level: 'info' | 'error';
}>('service.replaced');
export const certificateChanged = channel<{ file: string }>('certificate.changed');
export const certificateProblem = channel<{ problem: string }>('certificate.problem');

/** What the supervisor writes to its log. */
export const ENGINE_CHANNELS = [
  { channel: fleetUp, level: 'info' },
  { channel: serviceStarted, level: 'info' },
  { channel: serviceReady, level: 'info' },
  { channel: serviceFailed, level: 'error' },
  { channel: serviceDied, level: 'warn' },
  { channel: serviceStopped, level: 'info' },
  { channel: swept, level: 'warn' },
  { channel: recordUnwritten, level: 'warn' },
  { channel: serviceReplaced, level: 'info' },
  { channel: certificateChanged, level: 'info' },
  { channel: certificateProblem, level: 'error' },
] as const;
