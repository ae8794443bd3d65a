/** What is photographed. A page adds a line or more. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import type { ConsoleMoat } from './moat.ts';

export interface Scene {
  name: string;
  /** Or how to find it, by what there is. */
  path: string | ((moat: ConsoleMoat) => Promise<string>);
  /** As nobody. */
  isOutside?: boolean;
  /** What is done before the picture. */
  before?(page: Page): Promise<unknown>;
}

/** Where the latest alert of a rule stands. */
const alertOf = (rule: string) => async (moat: ConsoleMoat): Promise<string> => {
  const { items } = (await moat.ask('GET', `/alerts?rule=${rule}&limit=1`)).body as { items: { id: string }[] };
  return `/alerts/${items[0]!.id}`;
};

/** Opened and tried, in either language. */
async function exception(page: Page): Promise<void> {
  await page.getByRole('button', { name: /Make an exception|添加例外/ }).click();
  await page.getByRole('button', { name: /Preview|预览/ }).click();
  await page.locator('.a-preview').waitFor();
}

/** The drawer of the own account, with what it asks; nothing is kept. */
async function passkeys(page: Page): Promise<void> {
  await page.route('**/api/v1/passkeys', (route) => route.fulfill({ json: { domain: 'localhost', origins: ['https://localhost:8443'], items: [{ id: 'a'.repeat(16), name: 'Work laptop', created: Date.now() - 40 * 86_400_000, used: Date.now() - 3_600_000, synced: false }, { id: 'b'.repeat(16), name: '王的手机 <b>\u202e', created: Date.now() - 86_400_000, synced: true }] } }));
  await page.getByRole('button', { name: /^(?:Account|账号)/ }).click();
  await page.getByRole('menuitem', { name: /Passkeys|通行密钥/ }).click();
  await page.getByRole('button', { name: /Add a passkey|添加通行密钥/ }).waitFor();
}

/** After a look at some of this machine's settings, which changes nothing. */
async function scanned(moat: ConsoleMoat): Promise<string> {
  const { job } = (await moat.ask('POST', '/scans', { only: ['sshd', 'accounts'] })).body as { job: string };
  for (let i = 0; i < 120 && ((await moat.ask('GET', `/jobs/${job}`)).body as { state: string }).state === 'running'; i++) await sleep(250);
  return '/posture/findings';
}

/** The incident that reached furthest. */
const incident = async (moat: ConsoleMoat): Promise<string> => {
  const { items } = (await moat.ask('GET', '/incidents?status=all&level=high&limit=1')).body as { items: { id: string }[] };
  return `/incidents/${items[0]?.id ?? ''}`;
};

export const scenes: readonly Scene[] = [
  { name: 'log-on', path: '/', isOutside: true },
  { name: 'passkeys', path: '/', before: passkeys },
  { name: 'overview', path: '/' },
  { name: 'alerts', path: '/alerts' },
  { name: 'alert', path: alertOf('log4shell') },
  { name: 'alert-exception', path: alertOf('scanner_user_agent'), before: exception },
  { name: 'alerts-none', path: '/alerts?text=nothing+like+this' },
  { name: 'keys', path: '/', before: (page) => page.keyboard.press('?') },
  { name: 'incidents', path: '/incidents?status=all' },
  { name: 'incident', path: incident },
  { name: 'incident-plan', path: async (moat) => `${await incident(moat)}/plan`, before: (page) => page.getByRole('button', { name: /Work out the clean-up|生成清理方案/ }).click() },
  { name: 'incident-report', path: async (moat) => `${await incident(moat)}/report` },
  { name: 'hosts', path: '/hosts' },
  { name: 'host-ports', path: '/hosts/listeners' },
  { name: 'host-users', path: '/hosts/users' },
  { name: 'hunt', path: '/hunt', before: async (page) => { await page.getByRole('button', { name: /most failed log-ons|登录失败最多/ }).click(); await page.getByRole('button', { name: /Export CSV|导出 CSV/ }).waitFor(); } },
  { name: 'protection', path: '/protection' },
  { name: 'protection-playbooks', path: '/protection/playbooks' },
  { name: 'protection-linkage', path: '/protection/linkage' },
  { name: 'posture', path: '/posture' },
  { name: 'posture-findings', path: scanned },
];
