import { statSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { quiet } from './browser.ts';
import { ask, expectClean, expectInert, folder, noBrowser, open } from './given.ts';
import { ownFile } from './fill.ts';

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
    await vi.waitFor(async () => { expect(((await ask('GET', '/scans')).body as { items: { checks: string[] }[] }).items[0]!.checks).toContain('sshd'); }, { timeout: 90_000, interval: 250 });
    await page.getByRole('link', { name: 'Findings' }).click();
    await page.getByRole('radiogroup', { name: 'Findings' }).getByText('Gone').click();
    await page.waitForURL(/\/posture\/findings\?gone=true/);
    await quiet(page);
    await expectClean(opened);
    await opened.close();
  }, 150_000);

  it('puts a finding right after its plan, looks again, and takes it back; hostile text of others stays text', async () => {
    const path = ownFile(folder());
    const mode = (): string => (statSync(path).mode & 0o777).toString(8);
    const opened = await open('/posture/findings');
    const { page } = opened;
    await page.locator('[data-row-key="c0ffee0000000002"]').click();
    await page.getByRole('dialog').getByText('eval($_POST').waitFor();
    await expectInert(opened);
    await page.keyboard.press('Escape');
    await page.locator('[data-row-key="c0ffee0000000003"]').click();
    await page.getByText('Moat has no action that does this').waitFor();
    await page.goto(`${new URL(page.url()).origin}/posture/findings/c0ffee0000000001`);
    await page.getByRole('button', { name: 'Put it right…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Put this right?' });
    await dialog.locator('.m-plan-steps li').first().waitFor();
    await quiet(page);
    await expectClean(opened);
    expect(mode(), 'only planned').toBe('666');
    await dialog.getByRole('button', { name: 'Do it now' }).click();
    await page.getByText('It is put right').waitFor();
    expect(mode()).toBe('644');
    const { items } = (await ask('GET', '/receipts?from=c0ffee0000000001')).body as { items: { status: string; by: string }[] };
    expect(items).toMatchObject([{ status: 'applied', by: 'account:lin' }]);
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByText('It is as it was before').waitFor();
    expect(mode()).toBe('666');
    await opened.close();
  });
});
