/** The services that have an image of their own. */
export type ImageService = 'gateway' | 'control' | 'runner';

/** `camofleet/gateway:1.2.3` */
export function imageName(service: ImageService, version: string): string {
  return `camofleet/${service}:${version}`;
}
