/** From the beginning of a dial to its first frame. */
export const DIAL_MS = 6_000;
/** For each second look at a refusal. */
export const LOOK_MS = 2_500;
