import { describe, expect, it } from 'vitest';
import { quiet } from './browser.ts';
import { expectClean, noBrowser, open } from './given.ts';

describe.skipIf(noBrowser)('host', () => {
  it('shows users and what is installed, found by the server, on a phone in Chinese too', async () => {
    const opened = await open('/hosts/users', { width: 375, height: 740, lang: 'zh', theme: 'dark' });
    const { page } = opened;
    await page.locator('[data-row-key="0 root"]').waitFor();
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(375);
    await quiet(page);
    await expectClean(opened);
    await page.goto(`${new URL(page.url()).origin}/hosts/packages?package=no-such-package`);
    await page.getByText('没有这个名称的软件包').waitFor();
    await opened.close();
  });
});
