import { channel } from '../../core/index.js';

export const fleetUp = channel<{ url: string; ingress: string; tookMs: number }>('fleet.up');
export const serviceStarted = channel<{ service: string; pid: number }>('service.started');
export const serviceReady = channel<{ service: string; tookMs: number }>('service.ready');
export const serviceDied = channel<{ service: string; how: string; retryInMs: number; level: 'warn' }>('service.died');
export const serviceStopped = channel<{ service: string; how: string; tookMs: number }>('service.stopped');
export const swept = channel<{ service: string; pid: number; level: 'warn' }>('leftover.swept');

export const ENGINE_CHANNELS = [
  { channel: fleetUp, level: 'info' },
  { channel: serviceStarted, level: 'info' },
  { channel: serviceReady, level: 'info' },
  { channel: serviceDied, level: 'warn' },
  { channel: serviceStopped, level: 'info' },
  { channel: swept, level: 'warn' },
] as const;
