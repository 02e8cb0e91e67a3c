import { defineConfig } from 'vitest/config';

/** At the gate, on a machine that may be busy, a second try; the reporter names each test that needed it. */
const retry = process.env['CAMOFLEET_REQUIRE_REAL'] ? 1 : 0;

/** Real components (Xvfb, Traefik, Chromium …) are slow to start and hold displays and ports: one file at a time. */
export default defineConfig({
  test: {
    disableConsoleIntercept: true,
    reporters: ['default', './test/support/component-reporter.ts'],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/real/**', 'test/cli/**'],
          retry,
          testTimeout: 15_000,
          hookTimeout: 15_000,
        },
      },
      {
        test: {
          name: 'cli',
          include: ['test/cli/**/*.test.ts'],
          retry,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'real',
          include: ['test/real/**/*.test.ts'],
          retry,
          testTimeout: 240_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          maxConcurrency: 2,
        },
      },
    ],
  },
});
