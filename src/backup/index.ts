/**
 * The state of a fleet in one archive that `tar` can read, and back. It knows which files are state and what a backup
 * promises of them; it knows no service and starts nothing.
 */
export { writeBackup } from './write.js';
export { restoreBackup } from './restore.js';
