import { describe, expect, it } from 'vitest';
import { ask, expectClean, noBrowser, open } from './given.ts';

describe.skipIf(noBrowser)('the frame of the console', () => {
  it('follows the browser in language and theme, switches both, and remembers', async () => {
    const opened = await open('/', { lang: 'zh', theme: 'dark' });
    const { page } = opened;
    const root = page.locator('html');
    expect(await root.getAttribute('lang')).toBe('zh-CN');
    expect(await root.getAttribute('data-theme')).toBe('dark');
    await page.getByRole('link', { name: '总览' }).waitFor();
    await page.getByRole('button', { name: 'English' }).click();
    await page.getByRole('link', { name: 'Overview' }).waitFor();
    await page.getByRole('button', { name: 'Theme' }).click();
    await page.getByRole('menuitem', { name: 'Light' }).click();
    expect(await root.getAttribute('data-theme')).toBe('light');
    await page.reload();
    await page.getByRole('link', { name: 'Overview' }).waitFor();
    expect(await root.getAttribute('data-theme')).toBe('light');
    await expectClean(opened);
    await opened.close();
  });

  it('is live, is driven by the keyboard, and skips to its content', async () => {
    const opened = await open('/');
    const { page } = opened;
    await page.getByText('Live', { exact: true }).waitFor();
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to content');
    await page.keyboard.press('Enter');
    expect(await page.evaluate('document.activeElement.id')).toBe('content');
    await page.keyboard.press('?');
    await page.getByRole('dialog').getByText('Keyboard shortcuts').waitFor();
    await page.keyboard.press('Escape');
    await page.goto(`${new URL(page.url()).origin}/nowhere`);
    await page.getByRole('heading', { name: 'There is no such page' }).waitFor();
    await page.keyboard.press('g');
    await page.keyboard.press('o');
    await page.waitForURL((url) => url.pathname === '/');
    await expectClean(opened);
    await opened.close();
  });

  it('fits a phone: the navigation is a drawer, nothing runs out at the side', async () => {
    const opened = await open('/', { width: 375, height: 760 });
    const { page } = opened;
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(375);
    await page.getByRole('button', { name: 'Menu' }).click();
    await page.getByRole('dialog').getByRole('link', { name: 'Overview' }).click();
    await expectClean(opened);
    await opened.close();
  });

  it('serves nothing beside its files, and the page with a policy that allows no inline script', async () => {
    for (const path of ['/../package.json', '/..%2f..%2fpackage.json', '/.stamp', '/assets/../../package.json']) expect((await ask('GET', `/../..${path}`)).body, path).toContain('<div id="root">');
    expect((await ask('GET', '/../../assets/none.js')).status).toBe(404);
    const opened = await open('/');
    const headers = await (await opened.page.reload())!.allHeaders();
    expect(headers['content-security-policy']).toMatch(/default-src 'none'; script-src 'self'; style-src 'self' 'nonce-[\w+/=]+';/);
    expect(headers['content-security-policy']).not.toContain('unsafe');
    await opened.close();
  });
});
