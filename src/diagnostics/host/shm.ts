import { readFile, readdir, readlink, statfs } from 'node:fs/promises';

/** The shared memory where an RFB server lives, and the browser that lives there too. */
export interface ShmSight {
  readonly bytes: number;
  readonly browser: string;
}

/** What container runtimes give where nothing is set. */
export const SMALL_SHM_BYTES = 67_108_864;

const BROWSER = /^(?:chrome|chromium|firefox|camoufox|msedge|brave)/i;
const WITHOUT = '--disable-dev-shm-usage';

/** The shared memory beside a process; undefined where no browser that uses it lives there, or where it cannot be seen. */
export async function shmBeside(pid: number): Promise<ShmSight | undefined> {
  const own = await readlink(`/proc/${pid}/ns/mnt`).catch(() => undefined); // gone, or not ours to see
  if (own === undefined) return undefined;
  const browser = await browserIn(own);
  if (browser === undefined) return undefined;
  const at = await statfs(`/proc/${pid}/root/dev/shm`).catch(() => undefined); // none there, or not ours to see
  return at && { bytes: at.blocks * at.bsize, browser };
}

/** The name of a browser in a mount namespace that keeps its pixels in shared memory. */
async function browserIn(namespace: string): Promise<string | undefined> {
  const names = await readdir('/proc').catch(() => []); // another system than Linux
  for (const pid of names.filter((name) => /^\d+$/.test(name))) {
    const name = (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')).trim();
    if (!BROWSER.test(name) || (await readlink(`/proc/${pid}/ns/mnt`).catch(() => '')) !== namespace) continue;
    const words = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => WITHOUT);
    if (!words.includes(WITHOUT)) return name;
  }
  return undefined;
}
