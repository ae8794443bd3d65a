/** What a page says while it waits, when it has nothing, when it may not be seen, and when something is wrong: each of them, in words, with a way on. */
import type { Page, Route } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Opened, opener, quiet } from './browser.ts';
import { ask, expectClean, noBrowser, open, theBrowser } from './given.ts';
import { type ConsoleMoat, owner, startConsole } from './moat.ts';
import { paths } from './paths.ts';

const api = '**/api/v1/**';
/** Who one is, and the stream: without them there is no page. */
const isFrame = (route: Route): boolean => /\/api\/v1\/(?:session|stream)(?:$|\?)/.test(route.request().url());
const text = (page: Page): Promise<string> => page.locator('main').innerText();

describe.skipIf(noBrowser)('what a page says', () => {
  describe('when the server fails, and goes on when it is back', () => {
    let opened: Opened, isDown = false;
    beforeAll(async () => {
      opened = await open('/nowhere');
      await opened.page.route(api, (route) => (isFrame(route) || !isDown ? route.continue() : route.fulfill({ status: 500, contentType: 'application/problem+json', json: { code: 'fault', detail: 'the disk is full <img src=x>', detail_zh: '磁盘已满' } })));
    });
    afterAll(async () => { await opened.close(); });

    it.each(paths)('%s', async (path) => {
      const { page, faults } = opened;
      faults.length = 0;
      isDown = true;
      await page.goto(new URL(path, page.url()).href);
      const failed = page.getByRole('main').getByRole('alert');
      await failed.first().waitFor();
      await quiet(page);
      expect(await text(page)).toContain('the disk is full <img src=x>');
      isDown = false;
      // However many parts of a page failed, one button asks for all of them anew.
      await page.getByRole('main').getByRole('button', { name: 'Try again' }).first().click();
      await failed.first().waitFor({ state: 'detached' });
      await quiet(page);
      const heading = page.getByRole('main').getByRole('heading', { level: 1 });
      expect(await heading.count()).toBe(1);
      expect(await page.title()).toBe(`${await heading.textContent()} · Moat`);
      faults.splice(0, faults.length, ...faults.filter((fault) => !fault.includes('status of 500')));
      await expectClean(opened);
    });
  });

  it('that it waits, with the shape of what comes, and that the server is away', async () => {
    const opened = await open('/nowhere');
    const { page } = opened;
    const held: Route[] = [];
    let isHeld = true;
    await page.route(api, (route) => { if (isFrame(route) || !isHeld) return route.continue(); held.push(route); return undefined; });
    for (const path of ['/', '/alerts', '/incidents', '/hosts', '/protection', '/posture', '/matrix', '/rules', '/system/storage']) {
      await page.goto(new URL(path, page.url()).href);
      await page.getByRole('main').getByRole('status', { name: 'Loading…' }).first().waitFor();
    }
    isHeld = false;
    for (const route of held) await route.continue().catch(() => undefined);
    await quiet(page);
    await page.getByRole('heading', { name: 'What is kept, and for how long' }).waitFor();
    await page.route(api, (route) => (isFrame(route) ? route.continue() : route.abort('connectionrefused')));
    await page.goto(new URL('/alerts', page.url()).href);
    await page.getByText('Moat cannot be reached. It goes on protecting').waitFor({ timeout: 30_000 });
    await opened.close();
  });

  describe('of a Moat that is new', () => {
    let moat: ConsoleMoat, openNew: ReturnType<typeof opener>;
    beforeAll(async () => {
      moat = await startConsole({ lines: {}, prepare: () => undefined });
      openNew = opener(await theBrowser(), moat);
    });
    afterAll(async () => { await moat.stop(); });

    it.each([
      ['/', 'No open incident'], ['/alerts', 'No alert'], ['/incidents', 'No open incidents'], ['/hosts', 'Moat knows of no process'], ['/protection', 'Nothing is blocked'], ['/protection/receipts', 'Nothing was done yet'],
      ['/protection/quarantine', 'Nothing lies in quarantine'], ['/posture', 'Nobody has looked yet'], ['/posture/findings', 'Nothing'], ['/rules?own=true', 'No rule of your own yet'], ['/rules/exceptions', 'No exceptions'], ['/system/elevations', 'Nobody asked'], ['/system/tokens', 'No tokens'],
    ])('%s: that there is nothing, and what that means', async (path, said) => {
      const opened = await openNew(path);
      await opened.page.getByText(said).first().waitFor();
      await quiet(opened.page);
      await expectClean(opened);
      await opened.close();
    });
  });

  it('that it is not this person\'s to see, in both languages, and offers nothing that would be refused', async () => {
    await ask('POST', '/accounts', { name: 'xu', role: 'reader', password: 'a sentence that is long', own_password: owner.password });
    const { cookie } = await ask('POST', '/session', { name: 'xu', password: 'a sentence that is long' });
    for (const [path, lang] of [['/hunt', 'en'], ['/system/audit', 'zh'], ['/system/accounts', 'en']] as const) {
      const opened = await open(path, { cookie, lang });
      await opened.page.getByText(lang === 'en' ? 'Not yours to see' : '无权查看').waitFor();
      await opened.close();
    }
    const opened = await open('/protection', { cookie });
    const { page } = opened;
    await quiet(page);
    for (const name of ['Pause', 'Change mode', 'Block an address']) expect(await page.getByRole('button', { name }).count(), name).toBe(0);
    const { items } = (await ask('GET', '/incidents?status=all&level=high&limit=1')).body as { items: { id: string }[] };
    await page.goto(new URL(`/incidents/${items[0]!.id}/plan`, page.url()).href);
    await page.getByRole('navigation', { name: 'Parts of the incident' }).getByRole('link', { name: 'Clean-up' }).waitFor();
    await quiet(page);
    for (const name of ['Take it on', 'Work out the clean-up', 'Add a note', 'Assign to me']) expect(await page.getByRole('button', { name }).count(), name).toBe(0);
    await expectClean(opened);
    await opened.close();
  });
});
