/** A fault of the atlas that one machine cannot host, and why; it is listed and never counted as found. */
export interface NotHostable {
  readonly title: string;
  readonly because: string;
}

export const NOT_HOSTABLE: Readonly<Record<string, NotHostable>> = {};
