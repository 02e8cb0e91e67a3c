/** How many bytes of a malformed message are shown. */
const SHOWN_BYTES = 32;

/** The first bytes as text where they are text, else in hex. */
export function printable(bytes: Buffer): string {
  const shown = bytes.subarray(0, SHOWN_BYTES);
  const text = shown.every((byte) => (byte >= 32 && byte < 127) || byte === 10 || byte === 13);
  return text ? JSON.stringify(shown.toString('latin1')) : `0x${shown.toString('hex')}`;
}
