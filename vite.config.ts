import { resolve } from 'node:path';
import { defineConfig } from 'vite';

/**
 * Two pages, each a build of its own so that neither loads the other's chunks: `--mode viewer` (served by the gateway
 * at /vnc/{id}) and `--mode fleet` (served by control at /ui/). `~` cannot occur in an id, so `~assets` is no id.
 */
export default defineConfig(({ mode }) => ({
  root: resolve(import.meta.dirname, 'src/ui', mode),
  base: './',
  logLevel: 'warn',
  build: {
    outDir: resolve(import.meta.dirname, 'dist/ui', mode),
    emptyOutDir: true,
    assetsDir: '~assets',
    assetsInlineLimit: 0,
    license: mode === 'viewer' && { fileName: 'third-party-licenses.md' }, // noVNC is MPL-2.0: its text goes with it
    chunkSizeWarningLimit: 1_000,
    modulePreload: { polyfill: false },
  },
}));
