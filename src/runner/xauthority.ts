const FAMILY_WILD = 0xffff;
const COOKIE_NAME = 'MIT-MAGIC-COOKIE-1';

/** Bytes of an X cookie. */
export const COOKIE_LENGTH = 16;

/** An Xauthority file with one cookie that is good for a display under any host name (Xsecurity(7)). */
export function xauthority(display: number, cookie: Buffer): Buffer {
  const counted = (bytes: Buffer): Buffer => {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(bytes.length);
    return Buffer.concat([length, bytes]);
  };
  const family = Buffer.alloc(2);
  family.writeUInt16BE(FAMILY_WILD);
  const fields = [Buffer.alloc(0), Buffer.from(String(display)), Buffer.from(COOKIE_NAME), cookie];
  return Buffer.concat([family, ...fields.map(counted)]);
}
