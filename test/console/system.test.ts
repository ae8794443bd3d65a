import { describe, expect, it } from 'vitest';
import { quiet } from './browser.ts';
import { ask, expectClean, noBrowser, open } from './given.ts';
import { owner } from './moat.ts';

interface Named { id: string; name: string; role: string; disabled: boolean }
const accounts = async (): Promise<Named[]> => ((await ask('GET', '/accounts')).body as { items: Named[] }).items;
const audit = async (target: string): Promise<string[]> => ((await ask('GET', `/audit?target=${target}`)).body as { items: { operation: string }[] }).items.map(({ operation }) => operation);

describe.skipIf(noBrowser)('the system page', () => {
  it('makes an account with a role in plain words, turns it off and takes that back; all of it stands in the audit log', async () => {
    const opened = await open('/system/accounts');
    const { page } = opened;
    await page.getByRole('button', { name: 'Add account' }).click();
    const dialog = page.getByRole('dialog', { name: 'Add account' });
    await dialog.getByLabel('Name').fill('xiu');
    await dialog.getByLabel('First password').fill('short');
    await dialog.getByRole('radio', { name: /Responder.*Fights attacks/ }).check();
    const add = dialog.getByRole('button', { name: 'Add account' });
    expect(await add.isDisabled(), 'a short password').toBe(true);
    await dialog.getByLabel('First password').fill('a sentence that is long');
    expect(await add.isDisabled(), 'without one\'s own password').toBe(true);
    await dialog.getByLabel('Your own password').fill('not this one');
    await add.click();
    await dialog.getByText('the name, the password or the code is wrong').waitFor();
    expect(opened.faults.splice(0), 'the browser tells of the refusal').toEqual(['error: Failed to load resource: the server responded with a status of 401 (Unauthorized)']);
    await dialog.getByLabel('Your own password').fill(owner.password);
    await add.click();
    await page.getByRole('cell', { name: 'xiu', exact: true }).or(page.getByText('xiu', { exact: true })).first().click();
    expect((await accounts()).find(({ name }) => name === 'xiu')).toMatchObject({ role: 'responder', disabled: false });
    const drawer = page.getByRole('dialog', { name: 'Account', exact: true });
    await drawer.getByRole('button', { name: 'Turn off' }).click();
    await page.getByRole('dialog', { name: 'Turn xiu off?' }).getByRole('button', { name: 'Turn off' }).click();
    await drawer.getByRole('button', { name: 'Turn on' }).waitFor();
    expect((await accounts()).find(({ name }) => name === 'xiu')).toMatchObject({ disabled: true });
    await page.getByRole('status').getByRole('button', { name: 'Undo' }).click();
    const back = page.getByRole('dialog', { name: 'Turn xiu on?' });
    expect(await back.getByRole('button', { name: 'Turn on' }).isDisabled(), 'without one\'s own password').toBe(true);
    await back.getByLabel('Your own password').fill(owner.password);
    await back.getByRole('button', { name: 'Turn on' }).click();
    await drawer.getByRole('button', { name: 'Turn off' }).waitFor();
    await drawer.getByRole('button', { name: /role/i }).click();
    const change = page.getByRole('dialog', { name: /xiu/ });
    await change.getByRole('radio', { name: /Reader/ }).check();
    expect(await change.getByRole('button', { name: /role/i }).isDisabled(), 'without one\'s own password').toBe(true);
    await change.getByLabel('Your own password').fill(owner.password);
    await change.getByRole('button', { name: /role/i }).click();
    await change.waitFor({ state: 'hidden' });
    expect((await accounts()).find(({ name }) => name === 'xiu')).toMatchObject({ role: 'reader' });
    expect((await accounts()).find(({ name }) => name === 'xiu')).toMatchObject({ disabled: false });
    await quiet(page);
    await expectClean(opened);
    expect(await audit('xiu')).toEqual(['account-change', 'account-change', 'account-change', 'account-add']);
    await opened.close();
  });

  it('keeps what an account may do on other hosts, and says so to who may do nothing on this one', async () => {
    const password = 'a sentence that is long';
    expect((await ask('POST', '/accounts', { name: 'bei', role: 'analyst', password, own_password: owner.password, scope: { environments: ['dev'], groups: ['shop'] } })).status).toBe(201);
    const { cookie } = await ask('POST', '/session', { name: 'bei', password });
    const outside = await open('/', { cookie });
    await outside.page.getByText('Your account is for other hosts; on this one you can only look after the account itself').waitFor();
    await outside.page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'System' }).click();
    await outside.page.getByText('nothing on this host but look after the account').waitFor();
    await outside.page.getByRole('button', { name: 'Change password' }).waitFor();
    expect(await outside.page.getByRole('navigation', { name: 'Parts of the system' }).getByRole('link').allTextContents()).toEqual(['My account', 'Log-ons', 'Roles', 'API tokens', 'More rights']);
    await quiet(outside.page);
    await expectClean(outside);
    await outside.close();

    const opened = await open('/system/accounts');
    const { page } = opened;
    const scope = async (): Promise<unknown> => ((await ask('GET', '/accounts')).body as { items: (Named & { scope?: unknown })[] }).items.find(({ name }) => name === 'bei')!.scope;
    const change = async (deed: (dialog: ReturnType<typeof page.getByRole>) => Promise<void>): Promise<void> => {
      await page.getByRole('button', { name: 'Role and hosts' }).click();
      const dialog = page.getByRole('dialog', { name: 'What bei may do' });
      const save = dialog.getByRole('button', { name: 'Role and hosts' });
      await dialog.getByRole('checkbox', { name: 'Only for some hosts' }).waitFor();
      expect(await save.isDisabled(), 'nothing is changed yet').toBe(true);
      await deed(dialog);
      expect(await save.isDisabled(), 'one’s own password is missing').toBe(true);
      await dialog.getByLabel('Your own password').fill(owner.password);
      await save.click();
      await dialog.waitFor({ state: 'hidden' });
    };
    await page.getByText('bei', { exact: true }).first().click();
    await change((dialog) => dialog.getByRole('checkbox', { name: 'May look at the other hosts' }).check());
    expect(await scope()).toEqual({ environments: ['dev'], groups: ['shop'], outside: 'read' });
    await page.getByText('Development · shop · looks elsewhere').last().waitFor();
    // Another role leaves what was said of other hosts.
    await change((dialog) => dialog.getByRole('radio', { name: /Reader/ }).check());
    expect(await scope()).toEqual({ environments: ['dev'], groups: ['shop'], outside: 'read' });
    await quiet(page);
    await expectClean(opened);
    await opened.close();
  });

  it('shows a token once, in the dark and on a phone; ends it', async () => {
    const opened = await open('/system/tokens', { width: 375, height: 740, theme: 'dark', lang: 'zh' });
    const { page } = opened;
    await page.getByRole('button', { name: '新建令牌' }).click();
    const dialog = page.getByRole('dialog', { name: '新建令牌' });
    await dialog.getByLabel('用途').fill('dashboard');
    await dialog.getByLabel('您自己的密码').fill(owner.password);
    await dialog.getByRole('button', { name: /创\s?建/ }).click();
    const once = page.getByRole('dialog', { name: '令牌“dashboard”' });
    const secret = await once.locator('code').first().textContent();
    expect(secret).toMatch(/^moat_\S{40,}$/);
    await quiet(page);
    await expectClean(opened);
    await once.getByRole('button', { name: '我已妥善保存' }).click();
    await page.getByText('dashboard', { exact: true }).waitFor();
    expect(await page.content()).not.toContain(secret);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(375);
    await page.getByRole('listitem').filter({ hasText: 'dashboard' }).getByRole('button', { name: /作\s?废/ }).click();
    await page.getByRole('dialog', { name: '作废令牌“dashboard”？' }).getByRole('button', { name: /作\s?废/ }).click();
    await page.getByText('dashboard', { exact: true }).waitFor({ state: 'hidden' });
    expect(((await ask('GET', '/tokens')).body as { items: Named[] }).items.some(({ name }) => name === 'dashboard')).toBe(false);
    await opened.close();
  });

  it('proves the audit log, also against a seal that is not of it; hostile targets are text', async () => {
    await ask('POST', '/hunt', { sql: "SELECT '<img src=x onerror=window.pwned=1>' AS x" });
    const opened = await open('/system/audit?operation=hunt');
    const { page } = opened;
    await page.getByText('<img src=x').first().waitFor();
    expect(await page.evaluate('window.pwned')).toBeUndefined();
    await page.getByRole('button', { name: 'Check the chain' }).click();
    await page.getByText(/^The log is whole/).waitFor();
    await quiet(page);
    await expectClean(opened);
    await page.getByText('Compare with a seal kept elsewhere').click();
    await page.getByLabel('Last seal that you kept').fill('0'.repeat(64));
    await page.getByRole('button', { name: 'Check the chain' }).click();
    await page.getByText(/The seal that you kept is not in the log/).waitFor();
    await opened.close();
  });

  it('offers who may not manage accounts only what is theirs, and says so at the address', async () => {
    await ask('POST', '/accounts', { name: 'yan', role: 'reader', password: 'a sentence that is long', own_password: owner.password });
    const { body, cookie } = await ask('POST', '/session', { name: 'yan', password: 'a sentence that is long' });
    expect(body).toMatchObject({ role: 'reader' });
    const opened = await open('/system/accounts', { cookie });
    const { page } = opened;
    await page.getByText('Not yours to see').waitFor();
    expect(await page.getByRole('navigation', { name: 'Parts of the system' }).getByRole('link').allTextContents()).toEqual(['My account', 'Log-ons', 'Roles', 'API tokens', 'More rights', 'Sensors', 'Storage', 'About']);
    await page.getByRole('link', { name: 'More rights' }).click();
    await page.getByRole('button', { name: 'Ask for more rights' }).click();
    const dialog = page.getByRole('dialog', { name: 'Ask for more rights' });
    await dialog.getByRole('radio', { name: /Responder/ }).check();
    await dialog.getByLabel(/^Why/).fill('the web server is under attack');
    await dialog.getByRole('button', { name: 'Ask', exact: true }).click();
    await page.getByText('waits', { exact: true }).waitFor();
    // It is answered elsewhere; this page hears of it.
    const [asked] = ((await ask('GET', '/elevations')).body as { items: { id: string; name: string }[] }).items.filter(({ name }) => name === 'yan');
    expect((await ask('POST', `/elevations/${asked!.id}/approve`)).status).toBe(200);
    await page.getByText('granted', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Give back' }).click();
    await page.getByText('given back', { exact: true }).waitFor();
    await quiet(page);
    await expectClean(opened);
    await opened.close();
  });

  it('storage, roles and what Moat is fit a phone and are clean', async () => {
    for (const [path, lang] of [['storage', 'en'], ['about', 'zh'], ['roles', 'en']] as const) {
      const opened = await open(`/system/${path}`, { lang, width: 390, height: 800, theme: lang === 'zh' ? 'dark' : 'light' });
      await opened.page.getByRole('heading', { level: 2 }).first().waitFor();
      await quiet(opened.page);
      expect(await opened.page.evaluate('document.documentElement.scrollWidth'), path).toBeLessThanOrEqual(390);
      await expectClean(opened);
      await opened.close();
    }
  });
});
