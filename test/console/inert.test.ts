/**
 * Every text of every answer may be a host's: here each of them is hostile, on every page. What the server's schemas leave open to a host is
 * spoiled; words of a closed list, identities and what addresses are made of are left, since without them there would be no page to look at.
 */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Opened, quiet } from './browser.ts';
import { ask, expectInert, noBrowser, open } from './given.ts';
import { paths } from './paths.ts';

/** Not a host's: closed lists, identities, dates, cursors, kinds of code. What is not named here is spoiled. */
const own = new Set(['id', 'level', 'status', 'kind', 'state', 'mode', 'role', 'csrf', 'next', 'cursor', 'verdict', 'tone', 'phase', 'risk', 'action', 'code', 'protocol', 'for', 'from_mode', 'starts', 'environment', 'permissions', 'needs', 'set_by', 'deed', 'hint', 'time_zone', 'origin_kind', 'type', 'outcome', 'certainty', 'logsource', 'column', 'rule_id', 'check', 'until', 'op', 'source_kind', 'began_by', 'feeds', 'platform', 'may']);
/** Without the word that the check of links looks for: an address of our own may carry what a host sent, as a value. */
const hostile = '<img src=x onload=window.pwned=1>\u202egpj.exe\u200b\u001b[31mred';
const signs = ['<img src=x', 'RLO', 'ESC'];
const spoil = (value: unknown, key = ''): unknown => {
  if (typeof value === 'string') return own.has(key) || key === '' ? value : `${value}${hostile}`;
  if (Array.isArray(value)) return value.map((one) => spoil(one, typeof one === 'string' ? key : key || 'items'));
  if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, own.has(name) ? one : spoil(one, name)]));
  return value;
};

/** The real answers, each text of them spoiled. */
async function spoilAll(page: Page): Promise<void> {
  await page.route('**/api/v1/**', async (route) => {
    const { pathname } = new URL(route.request().url());
    if (/\/api\/v1\/(?:session|stream)$/.test(pathname)) { await route.continue(); return; }
    const answer = await route.fetch();
    if (!(answer.headers()['content-type'] ?? '').includes('json')) { await route.fulfill({ response: answer }); return; }
    await route.fulfill({ response: answer, json: spoil(await answer.json()) });
  });
}

/** Where nothing stands that is not of a closed list, or nothing at all at first: of these a sign is not asked for. */
const without = new Set(['/system', '/system/roles', '/protection', '/protection/receipts', '/protection/allow', '/protection/notices', '/system/tokens', '/protection/runs', '/protection/zones', '/protection/ports', '/protection/quarantine', '/rules/exceptions', '/system/elevations']);

/** One page for all: what it was told to spoil holds until it is closed. */
let opened: Opened;

/** `refused`: what the browser tells of when it keeps a document in its sandbox from doing what was sent. */
async function look(path: string, wantsSign: boolean, refused?: RegExp): Promise<void> {
  const { page, faults } = opened;
  faults.length = 0;
  await page.goto(new URL(path, page.url()).href);
  await quiet(page);
  await page.getByText('This page failed').waitFor({ state: 'detached' });
  const shown = await page.evaluate('document.body.innerText') as string;
  if (wantsSign) for (const sign of signs) expect(shown, `${path} shows what it was sent`).toContain(sign);
  await expectInert(opened);
  // Not only what stands there: names that are read aloud, hints, titles.
  const named = await page.evaluate("[...document.querySelectorAll('*')].flatMap((one) => ['title', 'aria-label', 'placeholder', 'alt'].map((name) => one.getAttribute(name) ?? '')).concat(document.title).join('\\n')") as string;
  // eslint-disable-next-line no-control-regex -- these very signs must not be there
  expect(named).not.toMatch(/[\u0000-\u0008\u001b\u200b\u202a-\u202e\u2066-\u2069]/);
  expect(faults.filter((fault) => refused?.test(fault) !== true)).toEqual([]);
  if (refused) expect(faults.length, 'the sandbox had something to refuse').toBeGreaterThan(0);
}

describe.skipIf(noBrowser)('what hosts send is text and nothing else', () => {
  beforeAll(async () => {
    opened = await open('/nowhere');
    await spoilAll(opened.page);
  });
  afterAll(async () => { await opened.close(); });

  // What stands on the page to hunt is the server's own, until somebody asks: hunt.test.ts.
  it.each(paths.filter((path) => path !== '/hunt'))('%s', async (path) => { await look(path, !without.has(path)); });

  describe('what one opens', () => {
    const first = async (path: string): Promise<string> => ((await ask('GET', path)).body as { items: { id: string }[] }).items[0]!.id;
    const incident = async (): Promise<string> => `/incidents/${await first('/incidents?status=all&level=high&limit=1')}`;
    it.each<[string, () => Promise<string> | string]>([
      ['an alert', async () => `/alerts/${await first('/alerts?rule=odd_user_agent&limit=1')}`], ['an incident', incident], ['its evidence', async () => `${await incident()}/evidence`], ['its recovery', async () => `${await incident()}/recovery`],
      ['a finding', () => '/posture/findings/c0ffee0000000002'], ['a rule', () => '/rules/rule/log4shell'], ['a cell', () => '/matrix/cloud/instance-login'], ['a playbook', () => '/protection/playbooks/miner'],
    ])('%s', async (_, path) => { await look(await path(), true); });

    // The document is the server's, which escapes; were it not to, its frame may run and load nothing.
    it('its report', async () => { await look(`${await incident()}/report`, true, /^error: (?:Blocked script execution in 'about:srcdoc'|Loading the image .* violates the following Content Security Policy)/); });
  });
});
