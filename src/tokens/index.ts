/** Tokens: one codec and the key file, used by control (seals) and gateway (opens). They never log a token. */
export { type Rights, type TokenClaims, type TokenRefusal, openToken, sealToken } from './codec.js';
export { type Keyring, createKeyFile, openKeyFile, parseKeyring, rotateKeyFile } from './keyring.js';
