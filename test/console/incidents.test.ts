import type { Download } from 'playwright-core';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { quiet } from './browser.ts';
import { hostile } from './fill.ts';
import { ask, expectClean, expectInert, noBrowser, open } from './given.ts';
import { play } from './told-incident.ts';

interface Whole { id: string; status: string; assignee?: string; notes: { text: string; by: string }[]; tasks: { title: string; done?: object }[]; tags: string[] }
/** Of a rule; each test works on another, so that none sees the work of another. */
async function incidentWith(title: RegExp): Promise<string> {
  const { items } = (await ask('GET', '/incidents?status=all&limit=50')).body as { items: { id: string; title: { en: string } }[] };
  return items.find((one) => title.test(one.title.en))!.id;
}
const said = async (file: Download): Promise<string> => text(await file.createReadStream());
const whole = async (id: string): Promise<Whole> => (await ask('GET', `/incidents/${id}`)).body as Whole;

describe.skipIf(noBrowser)('incidents', () => {
  it('are listed with their filters in the address, by keys, and fit a phone with the whole title', async () => {
    const opened = await open('/incidents?status=all', { width: 375, height: 740, theme: 'dark' });
    const { page } = opened;
    const row = page.locator('[data-row-key]').filter({ hasText: 'Second account with user number 0 added' });
    await row.waitFor();
    const title = row.getByText('Second account with user number 0 added');
    expect(await title.evaluate((one: { scrollWidth: number; clientWidth: number }) => one.scrollWidth <= one.clientWidth), 'nothing of the title is cut').toBe(true);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(375);
    await row.focus();
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/incidents\/[0-9a-f]{12}$/);
    await page.getByRole('navigation', { name: 'Parts of the incident' }).getByRole('link', { name: 'Story' }).waitFor();
    await quiet(page);
    await expectClean(opened);
    await opened.close();
  });

  it('draws the story from the way in to its effects, grows it, tells the same in words, and opens what one points at', async () => {
    const id = await incidentWith(/Second account/);
    const opened = await open('/nowhere', { width: 1440, height: 900 });
    const { page } = opened;
    page.setDefaultTimeout(8000);
    await play(page, id);
    await page.goto(new URL(`/incidents/${id}`, page.url()).href);
    await page.locator('.mi-box-entry').waitFor();
    expect(await page.locator('.mi-box').count()).toBeGreaterThan(3);
    await page.locator('.mi-timeline').getByText('/etc/cron.d/cache').first().waitFor();
    await expectInert(opened);
    await expectClean(opened);
    // By the keys of the slider: the first moment holds less than the whole.
    const all = await page.locator('.mi-box:visible').count();
    await page.getByRole('slider', { name: 'Up to' }).focus();
    await page.keyboard.press('Home');
    await expect.poll(() => page.locator('.mi-box:visible').count()).toBeLessThan(all);
    await page.keyboard.press('End');
    await expect.poll(() => page.locator('.mi-box:visible').count()).toBe(all);
    await page.locator('.mi-box-persistence').first().click();
    await page.getByRole('dialog').getByText('/etc/cron.d/cache').first().waitFor();
    await expectInert(opened);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    await page.getByText('Alerts only').click();
    await expect.poll(() => page.locator('.mi-timeline').getByText('/etc/cron.d/cache').count()).toBe(0);
    await opened.close();
  });

  it('shows a clean-up before it is done, does the harmless together and the grave alone, and takes it back in turn', async () => {
    const id = await incidentWith(/Second account/);
    const opened = await open('/nowhere', { width: 1440, height: 900 });
    const { page } = opened;
    const { asked, states } = await play(page, id);
    await page.goto(new URL(`/incidents/${id}/plan`, page.url()).href);
    await page.getByRole('button', { name: 'Work out the clean-up' }).click();
    await page.locator('.mi-plan-step').nth(2).waitFor();
    await expectInert(opened);
    expect(asked, 'nothing is done by looking').toEqual([]);
    await page.getByRole('button', { name: 'Do 2 steps' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('Take a line out').waitFor();
    await expectInert(opened);
    await expectClean(opened);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    expect(asked, 'nor by letting go').toEqual([]);
    await page.getByRole('button', { name: 'Do 2 steps' }).click();
    await dialog.getByRole('button', { name: 'Do it' }).click();
    await dialog.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Take all back' }).waitFor();
    expect(asked).toEqual(['apply 1', 'apply 2']);
    await page.locator('.mi-plan-step').nth(2).getByRole('button', { name: 'Do it' }).click();
    await dialog.getByText('cannot be taken back').or(dialog.getByText('cannot be undone')).waitFor();
    await dialog.getByRole('button', { name: 'Do it' }).click();
    await dialog.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Take all back' }).click();
    await dialog.getByRole('button', { name: 'Take back' }).click();
    await expect.poll(() => asked).toEqual(['apply 1', 'apply 2', 'apply 3', 'undo 2', 'undo 1']);
    await page.getByRole('button', { name: 'Take all back' }).waitFor({ state: 'detached' });
    expect([...states.values()]).toEqual(['undone', 'undone', 'applied']);
    await opened.close();
  });

  it('takes notes, tasks, tags and a person, with hostile words as words', async () => {
    const id = await incidentWith(/Log-on succeeded after guessing/);
    const opened = await open(`/incidents/${id}`);
    const { page } = opened;
    const side = page.getByRole('complementary', { name: 'Notes and tasks' });
    await side.getByLabel('Add a note').fill(`asked the owner ${hostile}`);
    await side.getByRole('button', { name: 'Add a note' }).click();
    await page.locator('.mi-notes').getByText('asked the owner').waitFor();
    await side.getByLabel('Add a task').fill('change the password');
    await page.keyboard.press('Enter');
    await side.getByRole('checkbox', { name: 'change the password' }).click();
    await side.getByText(/^done by/).waitFor();
    await side.getByLabel('Add a tag').fill('customer');
    await page.keyboard.press('Enter');
    await side.getByText('customer', { exact: true }).waitFor();
    await side.getByRole('button', { name: 'Assign to me' }).click();
    await side.getByRole('button', { name: 'Assign to me' }).waitFor({ state: 'detached' });
    expect(await whole(id)).toMatchObject({ assignee: 'lin', tags: ['customer'], notes: [{ by: expect.stringContaining('lin') as string }], tasks: [{ title: 'change the password', done: expect.any(Object) as object }] });
    await expectInert(opened);
    await expectClean(opened);
    await opened.close();
  });

  it('is taken on, called a false alarm with a reason alone, and opened again', async () => {
    const id = await incidentWith(/Root fetched something/);
    const opened = await open(`/incidents/${id}`);
    const { page } = opened;
    await page.getByRole('button', { name: 'Take it on' }).click();
    await page.locator('.mi-path-now', { hasText: 'Triaged' }).waitFor();
    await page.getByRole('button', { name: 'More' }).click();
    await page.getByRole('menuitem', { name: 'False alarm…' }).click();
    const dialog = page.getByRole('dialog');
    const ok = dialog.getByRole('button', { name: 'False alarm' });
    expect(await ok.isDisabled(), 'not without a reason').toBe(true);
    await dialog.getByLabel(/^Why/).fill('our own update');
    await ok.click();
    await page.getByRole('button', { name: 'Reopen' }).waitFor();
    expect((await whole(id)).status).toBe('false-alarm');
    await page.getByRole('button', { name: 'Reopen' }).click();
    await page.getByRole('button', { name: 'Reopen' }).waitFor({ state: 'detached' });
    await expectClean(opened);
    await opened.close();
  });

  it('previews the report in either language in a frame that may do nothing, and saves it', async () => {
    const id = await incidentWith(/Several kinds of attack/);
    const opened = await open(`/incidents/${id}/report`);
    const { page } = opened;
    const frame = page.locator('iframe.mi-report');
    await frame.waitFor();
    expect(await frame.getAttribute('sandbox')).toBe('');
    const report = page.frameLocator('iframe.mi-report');
    await report.getByText('198.51.100.23').first().waitFor();
    await page.getByRole('radiogroup', { name: 'Language' }).getByText('中文').click();
    await report.getByText('事件报告').first().waitFor();
    const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Markdown' }).click()]);
    expect(await said(file)).toContain('198.51.100.23');
    const [csv] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'CSV' }).click()]);
    expect(await said(csv)).toContain('198.51.100.23');
    await quiet(page);
    await expectClean(opened);
    await opened.close();
  });
});
