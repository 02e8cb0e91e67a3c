/** The services that have an image of their own. */
export type ImageService = 'gateway' | 'control' | 'runner';

/** What there are images of: services, and tcpdump for the networks of containers. */
export type ImageTarget = ImageService | 'capture';

/** `camofleet/gateway:1.2.3` */
export function imageName(service: ImageTarget, version: string): string {
  return `camofleet/${service}:${version}`;
}
