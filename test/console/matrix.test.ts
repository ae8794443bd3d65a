import { describe, expect, it } from 'vitest';
import { quiet } from './browser.ts';
import { expectClean, noBrowser, open } from './given.ts';

describe.skipIf(noBrowser)('matrix', () => {
  it('says in words what is covered, moves by keys, and opens a cell with what covers it and its alerts', async () => {
    const opened = await open('/matrix', { width: 1440 });
    const { page } = opened;
    await page.getByText(/\d+ of them (?:was|were) seen here in the last 30 days/).waitFor();
    await quiet(page);
    await expectClean(opened);
    const guessing = page.getByRole('button', { name: /log-on data of the server leaked or guessed.*seen \d+×/i });
    await guessing.press('ArrowUp');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    const drawer = page.getByRole('dialog');
    await drawer.getByText(/Seen here \d+ times? in the last 30 days/).waitFor();
    expect(page.url()).toContain('/matrix/cloud/instance-login');
    await quiet(page);
    await expectClean(opened);
    await drawer.getByRole('link', { name: /\d+ alerts?/ }).first().click();
    await page.getByRole('heading', { name: 'Alerts', level: 1 }).waitFor();
    await opened.close();
  });

  it('names in the text and by a filter what nothing covers; is a table on a phone in the dark', async () => {
    const opened = await open('/matrix/attack?show=open&days=7', { width: 375, height: 740, theme: 'dark' });
    const { page } = opened;
    await page.getByText(/Nothing here covers \d+ of them:/).waitFor();
    const rows = page.locator('tbody tr.ant-table-row');
    expect(await rows.count()).toBeGreaterThan(0);
    expect(await rows.filter({ hasText: 'Not covered' }).count()).toBe(await rows.count());
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(375);
    await quiet(page);
    await expectClean(opened);
    await rows.first().getByRole('button').click();
    await page.getByText('Nothing here covers it').waitFor();
    await opened.close();
  });
});
