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

/** After a look at some of this machine's settings, which changes nothing. */
async function scanned(moat: ConsoleMoat): Promise<string> {
  const { job } = (await moat.ask('POST', '/scans', { only: ['sshd', 'accounts'] })).body as { job: string };
  for (let i = 0; i < 120 && ((await moat.ask('GET', `/jobs/${job}`)).body as { state: string }).state === 'running'; i++) await sleep(250);
  return '/posture/findings';
}

/** Two zones, one flow. */
async function zoned(page: Page): Promise<void> {
  await page.getByRole('button', { name: /Change…|修改…/ }).last().click();
  for (const [at, name, network] of [[0, 'office', '10.1.0.0/16'], [1, 'db', '10.2.0.0/16']] as const) {
    await page.getByRole('button', { name: /Add a zone|添加分区/ }).click();
    await page.getByLabel(/^(Name|名称)$/).nth(at).fill(name);
    await page.getByLabel(/^(Networks|网段)$/).nth(at).fill(network);
    await page.keyboard.press('Enter');
  }
  await page.getByRole('button', { name: /Add a flow|添加流向/ }).click();
  await page.locator('.mp-preview').last().waitFor();
}

/** A run that waits for a person. */
async function ran(moat: ConsoleMoat): Promise<string> {
  const { items: [standing] } = (await moat.ask('GET', '/runs?status=running&playbook=miner')).body as { items: { id: string }[] };
  const { id } = standing ?? (await moat.ask('POST', '/playbooks/miner/run', { dry: false, why: 'a fan that never rests' })).body as { id: string };
  return `/protection/runs/${id}`;
}

/** The incident that reached furthest. */
const incident = async (moat: ConsoleMoat): Promise<string> => {
  const { items } = (await moat.ask('GET', '/incidents?status=all&level=high&limit=1')).body as { items: { id: string }[] };
  return `/incidents/${items[0]?.id ?? ''}`;
};

export const scenes: readonly Scene[] = [
  { name: 'log-on', path: '/', isOutside: true },
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
  { name: 'playbook', path: async (moat) => `/protection/playbooks/brute-force?alert=${(await alertOf('ssh_brute_force')(moat)).slice('/alerts/'.length)}`, before: (page) => page.locator('.mp-planned, .mp-person').first().waitFor() },
  { name: 'playbook-run', path: ran, before: (page) => page.locator('.mp-history li').first().waitFor() },
  { name: 'ports-edit', path: '/protection/ports', before: async (page) => { await page.getByRole('button', { name: /Change…|修改…/ }).last().click(); await page.getByRole('button', { name: /Take over|填入/ }).click(); await page.getByRole('switch', { name: /Enforce it|执行/ }).click(); await page.locator('.mp-preview').first().waitFor(); } },
  { name: 'zones-edit', path: '/protection/zones', before: zoned },
  { name: 'quarantine-add', path: '/protection/quarantine', before: async (page) => { await page.getByRole('button', { name: /Put a file away|隔离文件/ }).click(); await page.getByLabel(/Path of the file|文件路径/).fill('/etc/passwd'); await page.locator('.m-notice, .m-plan').last().waitFor(); } },
  { name: 'receipts', path: '/protection/receipts' },
  { name: 'protection-linkage', path: '/protection/linkage' },
  { name: 'posture', path: '/posture' },
  { name: 'posture-findings', path: scanned },
];
