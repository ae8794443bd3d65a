import { describe, expect, it } from 'vitest';
import { ask, expectClean, noBrowser, open } from './given.ts';
import { owner } from './moat.ts';

describe.skipIf(noBrowser)('more rights for a while', () => {
  it('are asked for by a responder, granted by the owner, show what they allow, and are gone when they end', async () => {
    const [name, password] = ['wei', 'a heron stands in the moat'];
    expect((await ask('POST', '/accounts', { name, role: 'responder', password, own_password: owner.password })).status).toBe(201);
    const opened = await open('/protection', { cookie: undefined });
    const { page } = opened;
    await page.getByLabel('Account').fill(name);
    await page.getByLabel('Password', { exact: true }).fill(password);
    await page.getByRole('button', { name: 'Log on', exact: true }).click();
    await page.getByRole('button', { name: 'Pause' }).waitFor();
    const change = page.getByRole('button', { name: 'Change mode' });
    expect(await change.count(), 'settings are not a responder\'s').toBe(0);
    /** As the page asks, with the session that the browser holds. */
    const mine = (method: string, path: string, body?: object): Promise<{ id: string; state: string }> => page.evaluate(`(async () => {
      const { csrf } = await (await fetch('/api/v1/session')).json();
      return await (await fetch(${JSON.stringify(`/api/v1${path}`)}, { method: '${method}', headers: { ${body === undefined ? '' : "'content-type': 'application/json', "}'x-moat-csrf': csrf }${body === undefined ? '' : `, body: ${JSON.stringify(JSON.stringify(body))}`} })).json();
    })()`);
    const { id, state } = await mine('POST', '/elevations', { role: 'administrator', minutes: 30, why: 'the night shift is alone' });
    expect(state).toBe('waiting');
    expect((await ask('POST', `/elevations/${id}/approve`, {})).body).toMatchObject({ state: 'granted', name });
    await page.reload();
    await change.waitFor();
    expect((await mine('DELETE', `/elevations/${id}`)).state).toBe('ended');
    await page.reload();
    await page.getByRole('button', { name: 'Pause' }).waitFor();
    expect(await change.count()).toBe(0);
    opened.faults.splice(0, opened.faults.length, ...opened.faults.filter((fault) => !/status of 401/.test(fault)));
    await expectClean(opened);
    await opened.close();
  });
});
