import { describe, expect, it } from 'vitest';
import { quiet } from './browser.ts';
import { expectClean, expectInert, noBrowser, open } from './given.ts';

describe.skipIf(noBrowser)('hunt', () => {
  it('completes by keys, asks, draws, keeps and takes away a question', async () => {
    const opened = await open('/hunt', { width: 1200 });
    const { page } = opened;
    const field = page.getByRole('combobox', { name: 'Question in SQL' });
    await page.getByText('normalised observations').waitFor();
    await field.fill('SELECT source_ip, count(*) AS n FROM ');
    await field.pressSequentially('eve');
    await page.getByRole('option', { name: 'events' }).waitFor();
    await field.press('Tab');
    await field.press('End');
    await field.pressSequentially(" WHERE source_ip = '203.0.113.9' GROUP BY 1 ");
    await field.press('Escape');
    await field.press('Control+Enter');
    await page.getByText('1 row', { exact: true }).waitFor();
    expect(new URL(page.url()).searchParams.get('sql')).toContain('FROM events WHERE');
    await page.getByText('Chart', { exact: true }).click();
    await page.getByText('n by source_ip').waitFor();
    await page.getByRole('button', { name: 'Save…' }).click();
    await page.getByLabel('Name').fill('guessing from .9');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByRole('button', { name: 'Remove guessing from .9' }).click();
    await page.getByText('Nothing saved yet').waitFor();
    await quiet(page);
    await expectClean(opened);
    await opened.close();
  });

  it('shows what a host sent as text, in cells, bars and the question itself', async () => {
    const sql = "SELECT user, count(*) AS n, '<img src=x onerror=window.pwned=1>' AS \"<b onclick=window.pwned=1>\" FROM events WHERE source_ip = '203.0.113.77' GROUP BY 1";
    const opened = await open(`/hunt?${new URLSearchParams({ sql }).toString()}`);
    const { page } = opened;
    await page.getByRole('button', { name: 'Ask', exact: true }).click();
    await page.getByText('1 row', { exact: true }).waitFor();
    await page.getByText('<img/src=x/onerror=window.pwned=1>').first().waitFor();
    await expectInert(opened);
    await page.getByText('Chart', { exact: true }).click();
    await page.getByText(/n by user/).waitFor();
    await quiet(page);
    await expectInert(opened);
    await expectClean(opened);
    await opened.close();
  });

  it('asks for what is on the machine now: completed by its alias, with the time of the look, joined with what was stored', async () => {
    const opened = await open('/hunt', { width: 1200 });
    const { page } = opened;
    const field = page.getByRole('combobox', { name: 'Question in SQL' });
    await page.getByText('What is now', { exact: true }).waitFor();
    await page.getByText('ports that are listened on', { exact: true }).click();
    await page.getByText('Not in it: sockets of other network namespaces, such as those of containers', { exact: true }).waitFor();
    await field.fill("SELECT l.port, l.name, (SELECT count(*) > 0 FROM alerts) AS told FROM listeners AS l WHERE l.");
    await field.pressSequentially('po');
    await page.getByRole('option', { name: /^port/ }).waitFor();
    await field.press('Tab');
    await field.press('End');
    await field.pressSequentially(` = ${new URL(page.url()).port} `);
    await field.press('Escape');
    await field.press('Control+Enter');
    await page.getByText('1 row', { exact: true }).waitFor();
    await page.getByText(/^listeners \d+ rows? as of/).waitFor();
    await page.locator('.m-rows').getByText(new URL(page.url()).port, { exact: true }).waitFor();
    await quiet(page);
    await expectClean(opened);
    await opened.close();
  });

  it('says what could not be looked at, in both languages, and never that there is nothing', async () => {
    for (const [lang, missing, failed] of [['en', 'processes is not whole', /files_changed could not be looked at/], ['zh', 'processes 不完整', /看不到 files_changed/]] as const) {
      const opened = await open(`/hunt?${new URLSearchParams({ sql: "SELECT pid FROM processes WHERE name = 'no such program'" }).toString()}`, { lang });
      const { page } = opened;
      const run = page.getByRole('button', { name: lang === 'en' ? 'Ask' : '查询', exact: true });
      await run.click();
      await page.getByText(missing, { exact: true }).waitFor();
      await page.getByText(lang === 'en' ? 'There is nothing like that' : '没有这样的情况').waitFor();
      await page.getByRole('combobox').first().fill('SELECT * FROM files_changed');
      await run.click();
      await page.getByText(failed).waitFor();
      await quiet(page);
      await expectInert(opened);
      await opened.close();
    }
  });
});
