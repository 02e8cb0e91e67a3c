/** flow.mmd, read and drawn by Mermaid itself, in a browser. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { composeSubject, renderGuide } from '../../src/guide/index.ts';
import { lacks, which } from '../support/components.ts';
import { EXAMPLES, packageTemplates, topologyOf } from '../topology/support/topology.ts';
import { openChromium } from './support/chromium.ts';

/** Mermaid without the kinds of diagrams that need large libraries; one file. */
const MERMAID = fileURLToPath(import.meta.resolve('@mermaid-js/tiny'));

describe.skipIf(lacks('chromium'))('flow.mmd', () => {
  test('is a sequence diagram that Mermaid draws, with every part of the path, for every example', async () => {
    await using page = await openChromium(which('chromium')!);
    await page.goto('about:blank');
    const script = JSON.stringify(readFileSync(MERMAID, 'utf8'));
    await page.evaluate(`document.head.append(Object.assign(document.createElement('script'), { text: ${script} }))`);
    const templates = await packageTemplates();
    const yamls = [...Object.values(EXAMPLES), 'gateway: { pingIntervalMs: 0 }'];
    for (const yaml of yamls) {
      const guide = renderGuide(composeSubject(topologyOf(yaml), templates));
      const text = guide.find(({ path }) => path.endsWith('flow.mmd'))!.text;
      const drawn = (await page.evaluate(
        `mermaid.parse(${JSON.stringify(text)}).then(({ diagramType }) => mermaid.render('g', ${JSON.stringify(text)}).then(({ svg }) => diagramType + svg))`,
      )) as string;
      expect(drawn.slice(0, 12)).toBe('sequence<svg');
      for (const part of ['Viewer', 'Traefik', 'Gateway', 'Control', 'Runner', 'x11vnc', '101 Switching'])
        expect(drawn).toContain(part);
    }
    await expect(page.evaluate(`mermaid.parse('sequenceDiagram\\n  V->>T: a; b c')`)).rejects.toThrow('Parse error');
  });
});
