/**
 * Whether a file with a key is its reader's alone: nobody else may read it. Orchestrators hand secrets to a container
 * that is not root as files of root that one group may read, and only read; that is private too.
 */
export function isPrivateFile({ mode, uid, gid }: { mode: number; uid: number; gid: number }): boolean {
  if ((mode & 0o077) === 0) return true;
  return uid === 0 && gid !== 0 && (mode & 0o037) === 0;
}
