import { describe, expect, it } from 'vitest';
import { quiet } from './browser.ts';
import { ask, expectClean, noBrowser, open } from './given.ts';

describe.skipIf(noBrowser)('posture', () => {
  it('checks when asked, shows that it did, and keeps filters in the address', async () => {
    const opened = await open('/posture');
    const { page } = opened;
    await page.getByRole('button', { name: 'Check now' }).click();
    const dialog = page.getByRole('dialog', { name: 'Check this machine now?' });
    await dialog.getByText('It changes nothing').waitFor();
    // One check alone, that is quick.
    const { items } = (await ask('GET', '/checks')).body as { items: { id: string; title: { en: string } }[] };
    const { title } = items.find(({ id }) => id === 'sshd')!;
    await dialog.getByRole('combobox').fill(title.en);
    await page.keyboard.press('Enter');
    await page.keyboard.press('Escape');
    await dialog.getByRole('button', { name: 'Check now' }).click();
    await dialog.waitFor({ state: 'hidden' });
    await page.getByRole('link', { name: 'Checks done' }).click();
    await page.locator('[data-row-key]').first().waitFor();
    expect(((await ask('GET', '/scans')).body as { items: { checks: string[] }[] }).items[0]!.checks).toContain('sshd');
    await page.getByRole('link', { name: 'Findings' }).click();
    await page.getByRole('radiogroup', { name: 'Findings' }).getByText('Gone').click();
    await page.waitForURL(/\/posture\/findings\?gone=true/);
    await quiet(page);
    await expectClean(opened);
    await opened.close();
  });
});
