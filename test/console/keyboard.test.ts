/** By keys alone: in an order that makes sense, with a focus that is seen, and always a way back. */
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { ask, expectClean, noBrowser, open } from './given.ts';

interface Focused { name: string; inMain: boolean; seen: boolean; hidden: boolean }
/** What has the focus, and whether a person sees that: an outline or a ring on it, or on the box that stands for it. */
const focused = (page: Page): Promise<Focused> => page.evaluate(() => {
  interface Box { closest(selector: string): Box | null; getAttribute(name: string): string | null; textContent: string; }
  const { document, getComputedStyle } = globalThis as unknown as { document: { activeElement: Box; body: Box }; getComputedStyle: (of: Box) => { outlineStyle: string; outlineWidth: string; boxShadow: string; borderColor: string; opacity: string } };
  const it = document.activeElement;
  const shown = [it, it.closest('.ant-select, .ant-input-affix-wrapper, .ant-checkbox, .ant-radio, .ant-segmented-item, .ant-switch, label')].filter((one) => one !== null);
  const isRing = (one: Box): boolean => { const style = getComputedStyle(one); return (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1) || style.boxShadow !== 'none'; };
  return { name: (it.getAttribute('aria-label') ?? it.textContent).trim().slice(0, 80), inMain: it.closest('main') !== null, seen: shown.some(isRing), hidden: it === document.body };
});

describe.skipIf(noBrowser)('by keys alone', () => {
  it.each(['/', '/alerts', '/incidents', '/protection', '/posture/findings', '/rules', '/system', '/matrix'])('%s: the skip link, the navigation, the bar, then the page; each with a focus that is seen', async (path) => {
    const opened = await open(path);
    const { page } = opened;
    const steps: Focused[] = [];
    for (let n = 0; n < 30; n++) {
      await page.keyboard.press('Tab');
      const now = await focused(page);
      if (now.hidden && n > 0) break;
      steps.push(now);
    }
    expect(steps[0]!.name).toBe('Skip to content');
    expect(steps.slice(1, 11).map(({ name }) => name)).toEqual(['Overview', 'Alerts', 'Incidents', 'Hosts', 'Hunt', 'Protection', 'Posture', 'Matrix', 'Rules', 'System']);
    expect(steps.slice(11, 15).map(({ name }) => name)).toEqual(['Keyboard', '中文', 'Theme', 'Account lin']);
    expect(steps.slice(15).length).toBeGreaterThan(2);
    expect(steps.slice(15).filter(({ inMain }) => !inMain), 'nothing behind the page').toEqual([]);
    expect(steps.filter(({ seen }) => !seen).map(({ name }) => name), 'a focus that nobody sees').toEqual([]);
    await opened.close();
  });

  it('goes to each page by two keys, and never while somebody types', async () => {
    const opened = await open('/');
    const { page } = opened;
    for (const [key, title] of [['a', 'Alerts'], ['i', 'Incidents'], ['h', 'Hosts'], ['u', 'Hunt'], ['p', 'Protection'], ['c', 'Posture'], ['m', 'Matrix'], ['r', 'Rules'], ['s', 'System'], ['o', 'Overview']] as const) {
      await page.keyboard.press('g');
      await page.keyboard.press(key);
      await page.getByRole('heading', { level: 1, name: title, exact: true }).waitFor();
    }
    await page.keyboard.press('g');
    await page.keyboard.press('a');
    await page.getByRole('heading', { level: 1, name: 'Alerts' }).waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('go?');
    expect(await page.locator(':focus').inputValue()).toBe('go?');
    expect(new URL(page.url()).pathname).toBe('/alerts');
    await opened.close();
  });

  it('opens a row beside the list, closes it by Esc and is back at the row', async () => {
    const opened = await open('/alerts');
    const { page } = opened;
    const row = page.locator('[data-row-key]').first();
    await row.focus();
    await page.keyboard.press('ArrowDown');
    const key = await page.locator(':focus').getAttribute('data-row-key');
    expect(key).not.toBe(await row.getAttribute('data-row-key'));
    await page.keyboard.press('Enter');
    const drawer = page.getByRole('dialog');
    await drawer.getByRole('heading', { name: 'Why it fired' }).waitFor();
    // It stands beside the list, which stays in reach: the focus begins in it.
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.closest("[role=dialog]") !== null')).toBe(true);
    await page.keyboard.press('Escape');
    await drawer.waitFor({ state: 'hidden' });
    expect(await page.locator(':focus').getAttribute('data-row-key')).toBe(key);
    await opened.close();
  });

  it('holds the focus in what covers the page, however far one goes', async () => {
    const opened = await open('/');
    const { page } = opened;
    await page.getByRole('button', { name: 'Keyboard' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').getByText('Keyboard shortcuts').waitFor();
    for (let n = 0; n < 6; n++) {
      await page.keyboard.press(n % 3 === 2 ? 'Shift+Tab' : 'Tab');
      expect(await page.evaluate('document.activeElement.closest("main, .m-side, .m-bar")'), `after ${n + 1} steps`).toBeNull();
    }
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    expect(await page.locator(':focus').getAttribute('aria-label')).toBe('Keyboard');
    await opened.close();
  });

  it('asks before a deed, does it by Enter on the button alone, and lets go by Esc without doing it', async () => {
    const opened = await open('/protection/allow');
    const { page } = opened;
    const before = JSON.stringify((await ask('GET', '/allow')).body);
    const add = page.getByRole('button', { name: 'Add', exact: true });
    await add.focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Never block an address' });
    const ok = dialog.getByRole('button', { name: 'Add', exact: true });
    await dialog.getByLabel('Address or network').focus();
    await page.keyboard.type('198.51.100.201');
    await page.keyboard.press('Enter');
    expect(await ok.isDisabled(), 'not without a reason, and not by Enter in a field').toBe(true);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
    expect(JSON.stringify((await ask('GET', '/allow')).body)).toBe(before);
    await expect.poll(() => page.evaluate('document.activeElement.textContent')).toBe('Add');
    await expectClean(opened);
    await opened.close();
  });

  it('keeps language and theme over a reload, also of one who is not logged on', async () => {
    for (const cookie of [undefined, '']) {
      const opened = await open('/', { lang: 'zh', theme: 'dark', ...(cookie !== undefined && { cookie }) });
      const { page } = opened;
      await page.getByRole('button', { name: 'English' }).click();
      await page.getByRole('button', { name: 'Theme' }).click();
      await page.getByRole('menuitem', { name: 'Light' }).click();
      await page.reload();
      await page.getByRole('button', { name: '中文' }).waitFor();
      const root = page.locator('html');
      expect([await root.getAttribute('lang'), await root.getAttribute('data-theme')]).toEqual(['en', 'light']);
      await page.emulateMedia({ colorScheme: 'light' });
      await page.emulateMedia({ colorScheme: 'dark' });
      expect(await root.getAttribute('data-theme'), 'chosen, so the system does not change it').toBe('light');
      await opened.close();
    }
  });

  it('shows times in the viewer\'s zone, and the exact one to who points at it', async () => {
    const { items } = (await ask('GET', '/alerts?rule=log4shell&limit=1')).body as { items: { id: string; time: number }[] };
    const opened = await open(`/alerts/${items[0]!.id}`);
    const { page } = opened;
    const first = page.getByRole('dialog').locator('time').first();
    await first.waitFor();
    const at = new Date(items[0]!.time);
    expect(await first.getAttribute('datetime')).toBe(at.toISOString());
    // The profile of the browser stands in Shanghai, eight hours ahead all the year.
    const there = new Date(at.getTime() + 8 * 3_600_000).toISOString();
    expect(await first.textContent()).toContain(there.slice(11, 19));
    const said = await first.getAttribute('title');
    expect(said).toContain(there.slice(11, 19));
    expect(said).toMatch(/GMT\+8|UTC\+8|China Standard Time/);
    expect(said).toContain(there.slice(0, 4));
    await opened.close();
  });
});
