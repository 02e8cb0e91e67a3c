/**
 * The bottom of the tree: errors, hops, branded ids, clock, result, secrets-out-of-text, typed events, the door to Node's HTTP.
 * It knows no protocol, no service and no process, and imports nothing of ours.
 */
export { CamofleetError, type ErrorCode, errorText, isErrorCode } from './errors.js';
export { HOPS, HOP_NAMES, type Hop } from './hops.js';
export { EXIT, worstExit, type ExitCode } from './exit.js';
export { type SessionId, randomId, VALID_ID } from './ids.js';
export { type Clock, systemClock, withTimeout } from './clock.js';
export { type Result, err, ok } from './result.js';
export { fingerprint, redactText } from './redact.js';
export { type Channel, channel } from './events.js';
export { LOG_LEVELS, startJsonLog } from './json-log.js';
export { nearest } from './nearest.js';
export { nodeHttp } from './node-http.js';
export { isPrivateFile } from './private-file.js';
export { isHost, isLoopback, isNetwork, isPrivate, urlHost } from './address.js';
