import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectClean, noBrowser, theBrowser } from './given.ts';
import { accessFaults, openPage } from './browser.ts';
import { codeOf, type ConsoleMoat, owner, startConsole } from './moat.ts';

describe.skipIf(noBrowser)('the way in', () => {
  let moat: ConsoleMoat;
  beforeAll(async () => { moat = await startConsole({ isNew: true }); });
  afterAll(async () => { await moat.stop(); });

  it('makes the first owner by the link, turns the second factor on, and logs on by a code, then by a recovery code', async () => {
    const opened = await openPage(await theBrowser(), moat, '/');
    const { page, faults } = opened;
    await page.getByText('moat server set-up').waitFor();
    await page.goto(moat.link!);
    await page.reload();
    await page.getByLabel('Account').fill(owner.name);
    await page.getByLabel('Password', { exact: true }).fill(owner.password);
    await page.getByLabel('The password once more').fill(`${owner.password}!`);
    await page.getByRole('button', { name: 'Create and go on' }).click();
    await page.getByText('The two are not the same').waitFor();
    await page.getByLabel('The password once more').fill(owner.password);
    expect(await accessFaults(page)).toEqual([]);
    await page.getByRole('button', { name: 'Create and go on' }).click();

    const secret = (await page.locator('.m-qr + p code').textContent())!.replaceAll(' ', '');
    expect(page.url(), 'the link is not left in the history').not.toContain('#');
    await page.getByLabel('Code', { exact: true }).fill(codeOf(secret, -1));
    await page.getByRole('button', { name: 'Confirm' }).click();
    await page.locator('.m-codes span').first().waitFor();
    const codes = await page.locator('.m-codes span').allTextContents();
    expect(codes).toHaveLength(10);
    expect(await accessFaults(page)).toEqual([]);
    await page.getByLabel('I have put them in a safe place').check();
    await page.getByRole('button', { name: 'Open the console' }).click();
    await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();

    await page.getByRole('button', { name: `Account ${owner.name}` }).click();
    await page.getByRole('menuitem', { name: 'Log off' }).click();
    const logOn = async (code: string): Promise<void> => {
      await page.getByLabel('Account').fill(owner.name);
      await page.getByLabel('Password', { exact: true }).fill(owner.password);
      await page.getByRole('button', { name: 'Log on', exact: true }).click();
      await page.getByLabel('Code', { exact: true }).fill(code);
      await page.getByRole('button', { name: 'Log on', exact: true }).click();
    };
    await logOn(codeOf(secret));
    await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
    // The session ends elsewhere: the page stays, and is gone on with.
    await opened.context.clearCookies();
    await page.getByRole('button', { name: 'Theme' }).waitFor();
    await page.evaluate('window.dispatchEvent(new Event("visibilitychange"))');
    await page.keyboard.press('g');
    await page.keyboard.press('a');
    const dialog = page.getByRole('dialog', { name: 'Your session has ended' });
    await dialog.getByLabel('Password', { exact: true }).fill(owner.password);
    await dialog.getByRole('button', { name: 'Log on', exact: true }).click();
    await dialog.getByLabel('Code', { exact: true }).fill(codes[4]!);
    await dialog.getByRole('button', { name: 'Log on', exact: true }).click();
    await dialog.waitFor({ state: 'hidden' });
    await page.getByRole('heading', { level: 1, name: 'Alerts' }).waitFor();
    // What the browser says of answers that refuse is meant.
    faults.splice(0, faults.length, ...faults.filter((fault) => !/status of 401/.test(fault)));
    await expectClean(opened);
    await opened.close();
  });
});
