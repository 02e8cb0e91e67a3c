import type { RunningProcess } from '../../processes/index.js';
import type { Stage } from '../stage.js';

export interface Websockify {
  readonly port: number;
  /** `ws://127.0.0.1:PORT/websockify` */
  readonly url: string;
  readonly process: RunningProcess;
}

/** The relay of Debian, with one target. It answers 101 first and dials then. */
export async function startWebsockify(
  stage: Stage,
  options: {
    /** Left out where a token plugin says it. */
    readonly to?: string;
    readonly host?: string;
    readonly namespace?: string;
    readonly args?: readonly string[];
  },
): Promise<Websockify> {
  const { to, host = '127.0.0.1', namespace, args = [] } = options;
  const port = await stage.port();
  const process = await stage.start({
    program: 'websockify',
    args: [...args, `${host}:${port}`, ...(to === undefined ? [] : [to])],
    port,
    namespace,
  });
  return { port, url: `ws://${host}:${port}/websockify`, process };
}
