import { describe, expect, it } from 'vitest';
import { quiet } from './browser.ts';
import { ask, expectClean, noBrowser, open } from './given.ts';

const text = `title: Root is guessed at
name: e2e_root_guessed
level: low
logsource: { product: linux, service: auth }
detection:
  selection:
    user: root
  condition: selection
falsepositives:
  - "<img src=x onerror=window.pwned=1>"
`;

describe.skipIf(noBrowser)('rules', () => {
  it('says what is wrong while one writes, tries a rule on the past, keeps it with a reason, and takes it back', async () => {
    const opened = await open('/rules/new', { width: 1400 });
    const { page } = opened;
    const editor = page.getByRole('combobox', { name: 'Text of the rule' });
    await page.getByText(/It reads well/).waitFor();
    await editor.fill(text.replace('    user: root', '    message|re: (?=(a+)+)b(?!x)'));
    await page.getByText(/those whose time is bounded/).waitFor();
    await page.getByRole('button', { name: 'Line 7' }).waitFor();
    expect(await page.getByRole('button', { name: 'Save' }).isDisabled()).toBe(true);
    await editor.fill(text);
    await page.getByText('It reads well: “Root is guessed at”').waitFor();
    await editor.press('Control+Enter');
    await page.getByText(/It would have caught \d+ things/).waitFor();
    expect(await page.locator('.mr-samples summary').count()).toBeGreaterThan(0);
    await quiet(page);
    await expectClean(opened);
    await page.getByRole('button', { name: 'Save' }).click();
    const dialog = page.getByRole('dialog', { name: 'Save this rule' });
    await dialog.getByLabel(/^Why/).fill('we never log on as root');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Ordinary things that look like this').waitFor();
    expect(page.url()).toContain('/rules/rule/e2e_root_guessed');
    expect(await page.evaluate('window.pwned')).toBeUndefined();
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByText('Removed').waitFor();
    expect((await ask('GET', '/rules/e2e_root_guessed')).status).toBe(404);
    await opened.close();
  });

  it('keeps what was left unsaved, also over a reload, until it is discarded or saved; each account its own', async () => {
    const opened = await open('/rules/new');
    const { page } = opened;
    const editor = page.getByRole('combobox', { name: 'Text of the rule' });
    const first = await editor.inputValue();
    await editor.fill(text.replace('Root', '<img src=x onerror=window.pwned=1>'));
    await page.getByRole('link', { name: 'Alerts' }).click();
    await page.getByRole('heading', { level: 1, name: 'Alerts' }).waitFor();
    await page.goto(new URL('/rules/new', page.url()).href);
    await page.getByText('Here is what you left unsaved').waitFor();
    expect(await editor.inputValue()).toContain('<img src=x onerror=window.pwned=1>');
    await expectClean(opened);
    await page.getByRole('button', { name: 'Discard it' }).click();
    await page.getByText('Here is what you left unsaved').waitFor({ state: 'detached' });
    expect(await editor.inputValue()).toBe(first);
    await page.getByRole('button', { name: 'Undo' }).click();
    expect(await editor.inputValue(), 'not lost by a slip of the finger').toContain('<img');
    await page.reload();
    await page.getByText('Here is what you left unsaved').waitFor();
    // Of another account there is none.
    expect(JSON.parse(await page.evaluate('localStorage.getItem("moat.rule-drafts")'))).toMatchObject([{ of: 'lin new' }]);
    await page.getByRole('button', { name: 'Leave without saving' }).click();
    await page.waitForURL(/\/rules$/);
    expect(await page.evaluate('localStorage.getItem("moat.rule-drafts")')).toBeNull();
    expect(await page.evaluate('window.pwned')).toBeUndefined();
    await opened.close();
  });

  it('lists by filters that stand in the address, by keys, on a phone in the dark; shows exceptions and takes one away and back', async () => {
    const made = (await ask('POST', '/exceptions', { rule: '*', when: { user: 'e2e-nobody' }, why: 'made by the test' })).body as { id: string };
    const opened = await open('/rules?kind=behaviour&text=miner', { width: 375, height: 740, theme: 'dark' });
    const { page } = opened;
    await page.locator('[data-row-key="behaviour.miner"]').press('Enter');
    await page.getByText('What it cannot see').waitFor();
    await quiet(page);
    await expectClean(opened);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(375);
    await page.goto(new URL('/rules/exceptions', page.url()).href);
    const row = page.getByRole('listitem').filter({ hasText: 'made by the test' });
    await row.getByRole('button', { name: 'Take away' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Take away' }).click();
    await page.getByText('Taken away').waitFor();
    expect(JSON.stringify((await ask('GET', '/exceptions')).body)).not.toContain(made.id);
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByText('The exception is back').waitFor();
    await quiet(page);
    await expectClean(opened);
    const { items } = (await ask('GET', '/exceptions')).body as { items: { id: string; why: string }[] };
    await ask('DELETE', `/exceptions/${items.find(({ why }) => why === 'made by the test')!.id}`);
    await opened.close();
  });
});
