/** Faults of the atlas that one machine cannot host, and why; they are listed and never counted as found. */
export const NOT_HOSTABLE: Readonly<Record<string, string>> = {};
