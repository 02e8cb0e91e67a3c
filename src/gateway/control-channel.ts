import type { SessionEnded, ViewerReport } from '../api/index.js';

/** What a gateway hears from control, and tells it. */
export interface ControlChannel {
  readonly connected: boolean;
  /** Whether control has said that a session is over. */
  isEnded(session: string): boolean;
  /** Waits for the announcement of a session's end, at most `ms`; undefined when none came. */
  endOf(session: string, ms: number): Promise<SessionEnded | undefined>;
  /** `once` tokens: true once, then false; undefined when control cannot be asked. */
  redeem(token: { readonly jti: string; readonly exp: number; readonly iat: number }): Promise<boolean | undefined>;
  /** Whether a token has a socket open at any gateway; undefined when control cannot be asked. */
  isViewed(session: string, jti: string): Promise<boolean | undefined>;
  report(viewers: ViewerReport): Promise<void>;
  stop(): void;
}

/** A gateway without a control plane: tokens alone decide. */
export const NO_CONTROL: ControlChannel = {
  connected: false,
  isEnded: () => false,
  endOf: async () => undefined,
  redeem: async () => undefined,
  isViewed: async () => false, // there is no other gateway to ask about
  report: async () => {},
  stop: () => {},
};
