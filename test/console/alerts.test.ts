import { describe, expect, it } from 'vitest';
import { ask, expectClean, expectInert, noBrowser, open, write } from './given.ts';
import { quiet } from './browser.ts';

const rows = '[data-row-key]';

describe.skipIf(noBrowser)('alerts', () => {
  it('lists, filters by the server with the filter in the address, and unfolds repeats', async () => {
    const opened = await open('/alerts');
    const { page } = opened;
    await page.locator(rows).filter({ hasText: 'Log-on succeeded after guessing' }).waitFor();
    await page.getByRole('combobox', { name: 'Level' }).click();
    await page.getByTitle('High and worse').click();
    await page.waitForURL(/level=high/);
    await page.locator(rows).filter({ hasText: 'SSH passwords guessed' }).waitFor({ state: 'detached' });
    await page.goto(`${new URL(page.url()).origin}/alerts?text=guessed`);
    const guessed = page.locator(rows).filter({ hasText: 'SSH passwords guessed' });
    await guessed.getByRole('button', { name: '7 alerts' }).click();
    await page.waitForURL(/rule=ssh_brute_force/);
    await page.getByText('7 shown').waitFor();
    await page.getByRole('button', { name: 'Remove the filter Rule' }).click();
    await page.waitForURL((url) => !url.searchParams.has('rule'));
    await quiet(page);
    await expectClean(opened);
    await opened.close();
  });

  it('shows hostile text as text, why it fired, and the raw line; keys walk the list', async () => {
    const opened = await open('/alerts?rule=odd_user_agent');
    const { page } = opened;
    await page.locator(rows).first().focus();
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/alerts\/[0-9a-f]{16}\?rule=odd_user_agent$/);
    const drawer = page.getByRole('dialog');
    await drawer.getByRole('heading', { name: 'Why it fired' }).waitFor();
    expect(await drawer.locator('mark').count(), 'what the rule wanted is lit up').toBeGreaterThan(0);
    expect(await drawer.locator('pre.m-inert').first().innerText()).toContain('<img src=x onerror=window.pwned=1>RLOgpj.exeZWSP<script>');
    expect(await page.evaluate('window.pwned')).toBeUndefined();
    expect(await page.locator('main img, .ant-drawer img, .ant-drawer a[href^="http"]').count()).toBe(0);
    await expectClean(opened);
    await opened.close();
  });

  it('closes an alert and takes it back; makes an exception after seeing what it silences', async () => {
    const { items } = (await ask('GET', '/alerts?rule=scanner_user_agent&limit=1')).body as { items: { id: string }[] };
    const status = async (): Promise<unknown> => ((await ask('GET', `/alerts/${items[0]!.id}`)).body as { status: string }).status;
    const opened = await open(`/alerts/${items[0]!.id}`);
    const { page } = opened;
    await page.getByRole('button', { name: 'Close the alert' }).click();
    await page.getByRole('button', { name: 'Open it again' }).waitFor();
    expect(await status()).toBe('closed');
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByRole('button', { name: 'Close the alert' }).waitFor();
    expect(await status()).toBe('open');

    await page.getByRole('button', { name: 'Make an exception' }).click();
    const dialog = page.getByRole('dialog', { name: 'An exception for this rule' });
    const keep = dialog.getByRole('button', { name: 'Keep the exception' });
    await dialog.getByLabel('Why it is all right').fill('our own scanner');
    expect(await keep.isDisabled(), 'not before it was looked at').toBe(true);
    await dialog.getByRole('button', { name: 'Preview' }).click();
    await dialog.getByText(/It would have silenced 1 alert/).waitFor();
    await expectClean(opened);
    await keep.click();
    await dialog.waitFor({ state: 'hidden' });
    const exceptions = async (): Promise<object[]> => ((await ask('GET', '/exceptions')).body as { items: object[] }).items;
    expect(await exceptions()).toMatchObject([{ rule: 'scanner_user_agent', when: { source_ip: '198.51.100.23' }, why: 'our own scanner' }]);
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByText('The exception is taken back').waitFor();
    expect(await exceptions()).toEqual([]);
    await opened.close();
  });

  it('makes an exception from an alert whose text is hostile: text in the choices, the preview and the list, and kept to the letter', async () => {
    const { items } = (await ask('GET', '/alerts?rule=odd_user_agent&limit=1')).body as { items: { id: string }[] };
    const opened = await open(`/alerts/${items[0]!.id}`);
    const { page } = opened;
    await page.getByRole('button', { name: 'Make an exception' }).click();
    const dialog = page.getByRole('dialog', { name: 'An exception for this rule' });
    const agent = dialog.getByRole('checkbox', { name: 'http_user_agent', exact: true });
    await agent.check();
    await dialog.getByLabel('Why it is all right').fill('<img src=x onerror=window.pwned=1>\u202e');
    await dialog.getByRole('button', { name: 'Preview' }).click();
    await dialog.getByText(/It would have silenced 1 alert/).waitFor();
    await expectInert(opened);
    await expectClean(opened);
    await dialog.getByRole('button', { name: 'Keep the exception' }).click();
    await dialog.waitFor({ state: 'hidden' });
    const { items: [kept] } = (await ask('GET', '/exceptions')).body as { items: { id: string; when: Record<string, string> }[] };
    // As the host sent it: otherwise it would silence something else.
    expect(kept!.when['http_user_agent']).toContain('\u202egpj.exe\u200b<script>');
    await expectInert(opened);
    expect((await ask('DELETE', `/exceptions/${kept!.id}`)).status).toBe(200);
    await opened.close();
  });

  it('tells of what is new without moving the list, and fits a phone', async () => {
    const opened = await open('/alerts', { width: 375, height: 740, lang: 'zh', theme: 'dark' });
    const { page } = opened;
    await page.getByText('实时').waitFor();
    const time = new Date();
    write({ 'auth.log': `${time.toISOString().replace('Z', '+00:00')} web1 useradd[991]: new user: name=opsd, UID=0, GID=0, home=/root, shell=/bin/bash, from=/dev/pts/1\n` });
    await page.getByRole('button', { name: /处变化/ }).click();
    await page.locator(rows).filter({ hasText: 'opsd' }).waitFor();
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(375);
    await expectClean(opened);
    await opened.close();
  });
});

describe.skipIf(noBrowser)('overview', () => {
  it('says how it stands in one sentence, reads its curve by keys, and leads on', async () => {
    const opened = await open('/');
    const { page } = opened;
    await page.getByRole('heading', { name: /somebody is in/i }).waitFor();
    await page.getByRole('img', { name: /Alerts over time by level/ }).focus();
    await page.keyboard.press('ArrowLeft');
    await page.locator('.m-bars-tip').waitFor();
    await page.getByRole('radiogroup', { name: 'Alerts over time' }).getByText('Week').click();
    await page.waitForURL(/hours=168/);
    await expectClean(opened);
    await page.getByRole('link', { name: '198.51.100.23', exact: true }).click();
    await page.getByText('Source: 198.51.100.23').waitFor();
    await opened.close();
  });
});
