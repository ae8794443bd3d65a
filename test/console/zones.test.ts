import { describe, expect, it } from 'vitest';
import { quiet } from './browser.ts';
import { ask, expectClean, expectInert, noBrowser, open } from './given.ts';

interface Zones { zones: { name: string; networks: string[] }[]; flows: { from: string; to: string; ports?: (string | number)[] }[]; enforced: boolean }
const kept = async (): Promise<Zones> => (await ask('GET', '/zones')).body as Zones;

describe.skipIf(noBrowser)('zones', () => {
  it('are written with what passes between them, seen before they are kept, changed, and given up', async () => {
    const opened = await open('/protection/zones');
    const { page } = opened;
    await page.getByText('No zones').first().waitFor();
    await page.getByRole('button', { name: 'Change…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Zones and flows' });
    const keep = dialog.getByRole('button', { name: 'Keep it' });
    for (const [at, name, network] of [[0, 'office', '10.1.0.0/16'], [1, 'db', '10.2.0.0/16']] as const) {
      await dialog.getByRole('button', { name: 'Add a zone' }).click();
      await dialog.getByLabel('Name', { exact: true }).nth(at).fill(name);
      await dialog.getByLabel('Networks', { exact: true }).nth(at).fill(network);
      await page.keyboard.press('Enter');
    }
    await dialog.getByText('office does not reach db').waitFor();
    await dialog.getByRole('button', { name: 'Add a flow' }).click();
    await dialog.getByRole('combobox', { name: 'to', exact: true }).click();
    await page.getByTitle('db', { exact: true }).last().click();
    await dialog.getByLabel('Ports', { exact: true }).fill('5432/tcp');
    await page.keyboard.press('Enter');
    await dialog.getByText('office reaches db: 5432/tcp').waitFor();
    // What flows goes with the name of its zone.
    await dialog.getByLabel('Name', { exact: true }).first().fill('desk');
    await dialog.getByText('desk reaches db: 5432/tcp').waitFor();
    await dialog.getByText('What this would change').waitFor();
    await quiet(page);
    await expectInert(opened);
    await expectClean(opened);
    expect((await kept()).zones, 'nothing is kept by looking').toEqual([]);
    expect(await keep.isDisabled(), 'not without a reason').toBe(true);
    await dialog.getByLabel(/^Why/).fill('the database is for the desks alone');
    await keep.click();
    await dialog.waitFor({ state: 'hidden' });
    await page.getByText('desk → db').waitFor();
    expect(await kept()).toMatchObject({ enforced: false, zones: [{ name: 'desk', networks: ['10.1.0.0/16'] }, { name: 'db' }], flows: [{ from: 'desk', to: 'db', ports: ['5432/tcp'] }] });

    // A zone that goes takes what flows from it along.
    await page.getByRole('button', { name: 'Change…' }).click();
    await dialog.getByRole('button', { name: 'Remove desk', exact: true }).click();
    expect(await dialog.getByRole('combobox', { name: 'to', exact: true }).count()).toBe(0);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
    expect((await kept()).flows, 'Esc changes nothing').toHaveLength(1);

    await page.getByRole('button', { name: 'As the configuration file has it…' }).click();
    await page.getByRole('dialog').getByRole('button', { name: "Take the file's" }).click();
    await page.getByText('No zones').first().waitFor();
    expect((await kept()).zones).toEqual([]);
    await opened.close();
  });

  it('cannot be kept while something of them is wrong, which is said', async () => {
    const opened = await open('/protection/zones', { lang: 'zh', theme: 'dark', width: 390, height: 800 });
    const { page } = opened;
    await page.getByRole('button', { name: '修改…' }).click();
    const dialog = page.getByRole('dialog', { name: '分区与流向' });
    await dialog.getByRole('button', { name: '添加分区' }).click();
    await dialog.getByLabel('名称', { exact: true }).fill('<b>');
    await dialog.getByLabel('网段', { exact: true }).fill('10.0.0.0/99');
    await page.keyboard.press('Enter');
    await dialog.getByLabel(/^原因/).fill('x');
    await dialog.getByRole('alert').waitFor();
    expect(await dialog.getByRole('button', { name: '保存' }).isDisabled()).toBe(true);
    await expectInert(opened);
    opened.faults.splice(0, opened.faults.length, ...opened.faults.filter((fault) => !/status of 4\d\d/.test(fault)));
    await expectClean(opened);
    await opened.close();
  });
});
