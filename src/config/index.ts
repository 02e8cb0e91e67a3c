/**
 * Settings from one declaration: type, environment name, flag, validation, `config explain` and the docs table follow.
 * It knows how a setting is declared and loaded; which settings exist is declared in src/settings.
 */
export { type ConfigOf, type Explained, type Settings, defineSettings } from './define.js';
export {
  type Field,
  bool,
  choice,
  count,
  filePath,
  json,
  list,
  millis,
  port,
  range,
  seconds,
  text,
  url,
} from './fields.js';
export { strictNameProblems } from './names.js';
