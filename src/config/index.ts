/**
 * Settings from one declaration: type, environment name, flag, validation, `config explain` and the docs table follow.
 * It knows how a setting is declared and loaded; which settings exist is declared in src/settings.
 */
export { type ConfigOf, defineSettings } from './define.js';
export {
  bool,
  choice,
  count,
  filePath,
  host,
  json,
  list,
  millis,
  pathPrefix,
  port,
  range,
  seconds,
  text,
  url,
} from './fields.js';
export { SETTINGS_CHANNELS, announceIgnored } from './names.js';
