import type { RenderEngine, RenderedFile } from '../topology/index.js';
import { environmentPage } from './environment.js';
import { flowPicture } from './flow.js';
import { readmePage } from './readme.js';
import { reverseProxyPage } from './reverse-proxy.js';
import { routesTable } from './routes-table.js';
import type { GuideSubject } from './subject.js';

/** Beside camofleet.yaml. */
export const GUIDE_FOLDER = 'docs/novnc';

/** The file whose first line says for which engine a guide was rendered. */
export const MARKED_FILE = `${GUIDE_FOLDER}/flow.mmd`;

/** Every page of the guide: the same subject gives the same text. */
export function renderGuide(subject: GuideSubject): readonly RenderedFile[] {
  const pages = {
    'README.md': readmePage(subject),
    'flow.mmd': `${markOf(subject.engine)}\n${flowPicture(subject)}`,
    'routes.csv': routesTable(subject),
    'reverse-proxy.md': reverseProxyPage(subject),
    'env.md': environmentPage(subject),
  };
  return Object.entries(pages).map(([name, text]) => ({ path: `${GUIDE_FOLDER}/${name}`, text }));
}

/** Whether the text of `MARKED_FILE`, where there is one, is ours, and of which engine. */
export function guideEngineOf(marked: string | undefined): string | undefined {
  const [before, after] = markOf('ENGINE').split('ENGINE') as [string, string];
  const line = marked?.split('\n', 1)[0] ?? '';
  return line.startsWith(before) && line.endsWith(after) ? line.slice(before.length, -after.length) : undefined;
}

function markOf(engine: RenderEngine | 'ENGINE'): string {
  return `%% Rendered from camofleet.yaml by \`camofleet render --guide --engine ${engine}\`. Do not edit.`;
}
