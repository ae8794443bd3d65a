import { describe, expect, it } from 'vitest';
import { quiet } from './browser.ts';
import { ask, expectClean, noBrowser, open } from './given.ts';

describe.skipIf(noBrowser)('protection', () => {
  it('says before what it does, spares an address, shows it, and takes it back', async () => {
    const opened = await open('/protection/allow');
    const { page } = opened;
    const spared = async (): Promise<string[]> => ((await ask('GET', '/allow')).body as { items: { network: string }[] }).items.map(({ network }) => network);
    await page.getByRole('button', { name: 'Add', exact: true }).click();
    const dialog = page.getByRole('dialog', { name: 'Never block an address' });
    await dialog.getByText('even when it attacks').waitFor();
    await dialog.getByLabel('Address or network').fill('198.51.100.200');
    const ok = dialog.getByRole('button', { name: 'Add', exact: true });
    expect(await ok.isDisabled(), 'not without a reason').toBe(true);
    await dialog.getByLabel(/^Why/).fill('<img src=x onerror=window.pwned=1>');
    await ok.click();
    await page.getByRole('listitem').filter({ hasText: '<img src=x' }).waitFor();
    expect((await spared()).some((one) => one.startsWith('198.51.100.200'))).toBe(true);
    expect(await page.evaluate('window.pwned')).toBeUndefined();
    await quiet(page);
    await expectClean(opened);
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByText('may be blocked again').waitFor();
    expect((await spared()).some((one) => one.startsWith('198.51.100.200'))).toBe(false);
    await opened.close();
  });

  it('pauses and goes on; fits a phone in the dark', async () => {
    const opened = await open('/protection', { width: 375, height: 740, theme: 'dark' });
    const { page } = opened;
    await page.getByRole('button', { name: 'Pause' }).click();
    const dialog = page.getByRole('dialog', { name: 'Pause automatic response' });
    await dialog.getByLabel(/^Why/).fill('upgrade');
    await dialog.getByRole('button', { name: 'Pause' }).click();
    await page.getByRole('button', { name: 'Go on now' }).waitFor();
    expect(((await ask('GET', '/mode')).body as { paused_until?: number }).paused_until).toBeGreaterThan(Date.now());
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(375);
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByRole('button', { name: 'Pause' }).waitFor();
    await quiet(page);
    await expectClean(opened);
    await opened.close();
  });
});
