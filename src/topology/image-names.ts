/** The services that have an image of their own, in the order in which their images are built. */
export const IMAGE_SERVICES = ['gateway', 'control', 'runner'] as const;

export type ImageService = (typeof IMAGE_SERVICES)[number];

/** `camofleet/gateway:1.2.3` */
export function imageName(service: ImageService, version: string): string {
  return `camofleet/${service}:${version}`;
}
