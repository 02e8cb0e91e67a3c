import { defineConfig } from 'vitest/config';

/** On a shared machine the scheduler alone can fail a test: CI tries it once more, and names it as unsteady. */
const RETRIES = process.env['CI'] ? 1 : 0;

/** Real components (Xvfb, Traefik, Chromium …) are slow to start and hold displays and ports: one file at a time. */
export default defineConfig({
  test: {
    disableConsoleIntercept: true,
    reporters: ['default', './test/support/component-reporter.ts'],
    projects: [
      {
        test: {
          name: 'unit',
          retry: RETRIES,
          include: ['test/**/*.test.ts'],
          exclude: ['test/real/**', 'test/cli/**'],
          testTimeout: 15_000,
          hookTimeout: 15_000,
        },
      },
      {
        test: {
          name: 'cli',
          retry: RETRIES,
          include: ['test/cli/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'real',
          retry: RETRIES,
          include: ['test/real/**/*.test.ts'],
          testTimeout: 240_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
