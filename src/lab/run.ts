import type { StageDeps } from './stage.js';
export type LabDeps = StageDeps;
export async function runLab(): Promise<void> {}
