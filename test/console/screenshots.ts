/** Pictures of every page, in both languages and themes, on a desk, a phone and a wall, of a real Moat that has seen attacks: `npm run screenshots -- [FOLDER] [--only NAME]… [--quick]`; quick: English light and Chinese dark alone, no wall. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { parseArgs } from 'node:util';
import { launch, opener, quiet } from './browser.ts';
import { startConsole } from './moat.ts';
import { type Scene, scenes } from './scenes.ts';

const { values, positionals } = parseArgs({ allowPositionals: true, options: { only: { type: 'string', multiple: true }, quick: { type: 'boolean', default: false } } });
const folder = positionals[0] ?? 'screenshots';
mkdirSync(folder, { recursive: true });
const [moat, browser] = await Promise.all([startConsole({ processes: 'kernel: false, every_seconds: 2' }), launch()]);
const open = opener(browser, moat);
const wall = { width: 2560, height: 1440 };
try {
  for (const scene of scenes) {
    if (values.only?.some((begin) => scene.name.startsWith(begin)) === false) continue;
    for (const lang of ['en', 'zh'] as const) for (const [suffix, width, height] of [['', 1440, 900], ['-phone', 390, 844]] as const) {
      // One that fails does not take the others with it.
      try { await shoot(scene, lang, suffix, width, height); } catch (error) {
        console.error(`${scene.name} in ${lang}, ${width} wide: ${error instanceof Error ? error.message : String(error)}`);
        process.exitCode = 1;
      }
    }
  }
} finally {
  await browser.close();
  await moat.stop();
}

/** Loaded once: the other theme, and the screen on a wall, follow without loading it anew, as they do for a person. */
async function shoot(scene: Scene, lang: 'en' | 'zh', suffix: string, width: number, height: number): Promise<void> {
  const path = typeof scene.path === 'string' ? scene.path : await scene.path(moat);
  const own = lang === 'en' ? 'light' : 'dark';
  const { page, faults, close } = await open(path, { lang, theme: own, width, height, ...(scene.isOutside && { cookie: undefined }) });
  const take = async (name: string): Promise<void> => {
    await settle(page);
    const file = join(folder, `${scene.name}-${lang}-${name}.png`);
    await page.screenshot({ path: file });
    console.log(`${file}${faults.splice(0).map((fault) => `\n  ${fault}`).join('')}`);
  };
  try {
    await scene.before?.(page);
    await take(`${own}${suffix}`);
    if (values.quick) return;
    const other = own === 'light' ? 'dark' : 'light';
    await page.emulateMedia({ colorScheme: other });
    await take(`${other}${suffix}`);
    if (suffix !== '') return;
    await page.setViewportSize(wall);
    await take(`${other}-wall`);
  } finally { await close(); }
}

/** Charts draw a moment after their data. */
async function settle(page: Page): Promise<void> {
  await quiet(page);
  await page.waitForTimeout(400);
}
