/** Processes with where they came from, frozen and ended from the page: a Moat of its own, since the shared one watches none, and a tree of the test's own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openPage, quiet } from './browser.ts';
import { expectClean, expectInert, noBrowser, theBrowser } from './given.ts';
import { type ConsoleMoat, startConsole } from './moat.ts';
import { hostile } from './fill.ts';

/** `T` while it is stopped; undefined when it is there no more. */
function state(pid: number): string | undefined {
  try {
    return /^\d+ \(.*\) (\w)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1];
  } catch { return undefined; }
}

describe.skipIf(noBrowser)('processes', () => {
  let moat: ConsoleMoat, tree: ChildProcess, child = 0;
  beforeAll(async () => {
    // A shell of a name that turns text around, and what it started; it ends by itself.
    tree = spawn('sh', ['-c', 'sleep 120 & echo $!; wait', `moat-tree ${hostile}`], { stdio: ['ignore', 'pipe', 'ignore'] });
    child = await new Promise((resolve) => { tree.stdout!.once('data', (data: Buffer) => { resolve(Number(data)); }); });
    moat = await startConsole({ lines: {}, processes: 'kernel: false, every_seconds: 0.5' });
  });
  afterAll(async () => {
    tree.kill('SIGKILL');
    if (child > 0 && state(child) !== undefined) process.kill(child, 'SIGKILL');
    await moat.stop();
  });

  it('finds a process in its tree, tells its story, freezes and thaws it, and ends it with all that came of it', async () => {
    const opened = await openPage(await theBrowser(), moat, '/hosts?text=moat-tree');
    const { page } = opened;
    await page.locator(`[data-row-key^="${tree.pid}-"]`).click();
    await page.waitForURL(new RegExp(`of=${tree.pid}`));
    const story = page.getByRole('dialog');
    await story.getByText('What came of it').waitFor();
    await story.getByRole('button', { name: `sleep ${child}` }).waitFor();
    await quiet(page);
    await expectInert(opened);
    await expectClean(opened);
    await story.getByRole('button', { name: 'Freeze it…' }).click();
    const question = page.getByRole('dialog', { name: 'Freeze a process and what came of it' });
    await question.locator('.m-plan-steps li').first().waitFor();
    await expectClean(opened);
    await question.getByRole('button', { name: 'Freeze it now' }).click();
    await question.waitFor({ state: 'hidden' });
    expect([state(tree.pid!), state(child)]).toEqual(['T', 'T']);
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByText('Taken back').waitFor();
    expect([state(tree.pid!), state(child)]).toEqual(['S', 'S']);
    await story.getByRole('button', { name: 'End it…' }).click();
    const end = page.getByRole('dialog', { name: 'End a process and what came of it' });
    await end.locator('.m-plan-steps li').first().waitFor();
    await end.getByText('cannot be undone').waitFor();
    await end.getByRole('button', { name: 'End it now' }).click();
    await end.waitFor({ state: 'hidden' });
    await vi.waitFor(() => { expect([state(tree.pid!) ?? 'Z', state(child) ?? 'Z']).toEqual(['Z', 'Z']); });
    await opened.close();
  });
});
