/** Pictures of every page, in both languages and themes, of a real Moat that has seen attacks: `npm run screenshots -- [FOLDER] [--only NAME] [--quick]`; quick: English light and Chinese dark alone. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { parseArgs } from 'node:util';
import { launch, opener, quiet } from './browser.ts';
import { startConsole } from './moat.ts';
import { scenes } from './scenes.ts';

const { values, positionals } = parseArgs({ allowPositionals: true, options: { only: { type: 'string' }, quick: { type: 'boolean', default: false } } });
const folder = positionals[0] ?? 'screenshots';
mkdirSync(folder, { recursive: true });
const [moat, browser] = await Promise.all([startConsole(), launch()]);
const open = opener(browser, moat);
try {
  const looks = (['en', 'zh'] as const).flatMap((lang) => (['light', 'dark'] as const).map((theme) => ({ lang, theme }))).filter(({ lang, theme }) => !values.quick || (lang === 'en') === (theme === 'light'));
  for (const scene of scenes) {
    if (values.only !== undefined && !scene.name.startsWith(values.only)) continue;
    for (const { lang, theme } of looks) {
      for (const [suffix, width, height] of [['', 1440, 900], ['-phone', 390, 844]] as const) {
        const path = typeof scene.path === 'string' ? scene.path : await scene.path(moat);
        const opened = await open(path, { lang, theme, width, height, ...(scene.isOutside && { cookie: undefined }) });
        await scene.before?.(opened.page);
        await settle(opened.page);
        const file = join(folder, `${scene.name}-${lang}-${theme}${suffix}.png`);
        await opened.page.screenshot({ path: file });
        console.log(`${file}${opened.faults.length > 0 ? `\n  ${opened.faults.join('\n  ')}` : ''}`);
        await opened.close();
      }
    }
  }
} finally {
  await browser.close();
  await moat.stop();
}

/** Charts draw a moment after their data. */
async function settle(page: Page): Promise<void> {
  await quiet(page);
  await page.waitForTimeout(400);
}
