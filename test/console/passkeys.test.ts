import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { ask, expectClean, noBrowser, open } from './given.ts';
import { quiet } from './browser.ts';
import { owner } from './moat.ts';

const wang = { name: 'wang', password: 'ducks under the bridge' };

/** A device of the browser's own that answers at once, by a finger. */
async function device(page: Page): Promise<{ credentials: () => Promise<{ isResidentCredential: boolean; signCount: number }[]> }> {
  const session = await page.context().newCDPSession(page);
  await session.send('WebAuthn.enable');
  const { authenticatorId } = await session.send('WebAuthn.addVirtualAuthenticator', { options: { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true } });
  return { credentials: async () => (await session.send('WebAuthn.getCredentials', { authenticatorId })).credentials };
}

describe.skipIf(noBrowser)('passkeys', () => {
  it('are made at the own account, log on alone and after the password, and are removed', async () => {
    expect((await ask('POST', '/accounts', { ...wang, role: 'analyst', own_password: owner.password })).status).toBe(201);
    const opened = await open('/', { cookie: '' });
    const { page, faults } = opened;
    // What the browser says of answers that refuse is meant: nobody was logged on, the second factor was asked for.
    const meant = (): void => { faults.splice(0, faults.length, ...faults.filter((fault) => !/status of 401/.test(fault))); };
    const { credentials } = await device(page);
    const logOn = async (): Promise<void> => {
      await page.getByRole('textbox', { name: 'Account' }).fill(wang.name);
      await page.getByLabel('Password', { exact: true }).fill(wang.password);
      await page.getByRole('button', { name: 'Log on', exact: true }).click();
    };
    const account = page.getByRole('button', { name: `Account ${wang.name}` });
    const menu = async (item: string): Promise<void> => { await account.click(); await page.getByRole('menuitem', { name: item }).click(); };
    await logOn();
    await menu('Passkeys');
    const drawer = page.getByRole('dialog', { name: 'Passkeys' });
    await drawer.getByText('No passkey yet').waitFor();
    await drawer.getByRole('button', { name: 'Add a passkey' }).click();
    const adding = page.getByRole('dialog', { name: 'Add a passkey' });
    await adding.getByLabel('Name').fill('<b>laptop</b>');
    await adding.getByLabel('Your password').fill(wang.password);
    await adding.getByRole('button', { name: 'Go on' }).click();
    await adding.locator('.m-codes span').first().waitFor();
    const recovery = await adding.locator('.m-codes span').allTextContents();
    await adding.getByLabel('I have put them in a safe place').check();
    await adding.getByRole('button', { name: 'Close' }).last().click();
    await drawer.getByText('<b>laptop</b>').waitFor();
    expect(await credentials()).toMatchObject([{ isResidentCredential: true }]);
    await quiet(page);
    meant();
    await expectClean(opened);
    await drawer.getByRole('button', { name: 'Close' }).click();

    await menu('Log off');
    await page.getByRole('button', { name: 'Log on with a passkey' }).click();
    await account.waitFor();
    await menu('Log off');
    await logOn();
    await page.getByRole('button', { name: 'Use your passkey' }).click();
    await account.waitFor();
    expect(await credentials()).toMatchObject([{ signCount: expect.any(Number) as number }]);
    await menu('Log off');
    await logOn();
    await page.getByLabel('Recovery code').fill(recovery[0]!);
    await page.getByRole('button', { name: 'Log on', exact: true }).click();
    await menu('Passkeys');
    await drawer.getByRole('button', { name: 'Remove <b>laptop</b>' }).click();
    await page.getByLabel('Your password').fill(wang.password);
    await page.getByRole('dialog', { name: 'Remove' }).getByRole('button', { name: 'Remove' }).click();
    await drawer.getByText('No passkey yet').waitFor();
    await quiet(page);
    meant();
    await expectClean(opened);
    await opened.close();
  });

  it('are not offered where the console is opened by an address', async () => {
    const opened = await open('/', { cookie: '' });
    const { page } = opened;
    await page.goto(page.url().replace('localhost', '127.0.0.1'));
    await page.getByRole('button', { name: 'Log on', exact: true }).waitFor();
    expect(await page.getByRole('button', { name: 'Log on with a passkey' }).count()).toBe(0);
    await opened.close();
  });
});
