import { open } from 'node:fs/promises';

/**
 * The last `bytes` bytes of a file as text, from the first whole line and not before the offset `from`; empty when it
 * cannot be read.
 */
export async function tailFile(file: string, bytes: number, from = 0): Promise<string> {
  let handle;
  try {
    handle = await open(file, 'r');
  } catch {
    return ''; // no log, no last words
  }
  try {
    const { size } = await handle.stat();
    const start = Math.max(from, size - bytes);
    const length = Math.max(0, size - start);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, start);
    const text = buffer.toString('utf8', 0, bytesRead);
    return start === from ? text : text.slice(text.indexOf('\n') + 1);
  } finally {
    await handle.close();
  }
}
