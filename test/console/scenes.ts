/** What is photographed. A page adds a line or more. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { type ConsoleMoat, owner } from './moat.ts';

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

/** With people, a program and a request that waits. */
async function peopled(moat: ConsoleMoat): Promise<void> {
  const { items } = (await moat.ask('GET', '/accounts')).body as { items: unknown[] };
  if (items.length > 1) return;
  for (const [name, role] of [['chen', 'administrator'], ['dou', 'responder'], ['fang', 'analyst'], ['gao', 'auditor']]) await moat.ask('POST', '/accounts', { name, role, password: 'a sentence that is long', own_password: owner.password, ...(role === 'analyst' && { scope: { environments: ['test', 'dev'], groups: ['web'] } }) });
  for (const name of ['grafana', 'nightly-report']) await moat.ask('POST', '/tokens', { name, role: 'reader', days: name === 'grafana' ? 90 : 3, own_password: owner.password });
}
const system = (path: string) => async (moat: ConsoleMoat): Promise<string> => { await peopled(moat); return `/system${path}`; };
const firstAccount = async (moat: ConsoleMoat): Promise<string> => {
  await peopled(moat);
  const { items } = (await moat.ask('GET', '/accounts')).body as { items: { id: string; name: string }[] };
  return `/system/accounts/${items.find(({ name }) => name === 'fang')!.id}`;
};
/** With something to show. */
async function excepted(moat: ConsoleMoat): Promise<string> {
  const { items } = (await moat.ask('GET', '/exceptions')).body as { items: object[] };
  if (items.length === 0) {
    await moat.ask('POST', '/exceptions', { rule: 'scanner_user_agent', when: { source_ip: '198.51.100.23' }, why: 'Our own scan every Monday 每周一的自查扫描', until: '2027-06-30' });
    await moat.ask('POST', '/exceptions', { rule: '*', when: { user: ['backup', 'monitor'], source_ip: '192.0.2.10' }, why: 'The backup server 备份服务器' });
  }
  return '/rules/exceptions';
}

async function tried(page: Page): Promise<void> {
  await page.locator('.mr-good').waitFor();
  await page.getByRole('button', { name: /Try it|试运行/ }).click();
  await page.locator('.mr-run .mr-big').waitFor();
}

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
  { name: 'incident-plan', path: async (moat) => `${await incident(moat)}/plan`, before: (page) => page.getByRole('button', { name: /Work out the clean-up|Work it out anew|生成清理方案|重新生成/ }).click() },
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
  { name: 'system', path: system('') },
  { name: 'system-accounts', path: system('/accounts') },
  { name: 'system-account', path: firstAccount },
  { name: 'system-account-add', path: system('/accounts'), before: (page) => page.getByRole('button', { name: /Add account|新建账号/ }).click() },
  { name: 'system-roles', path: system('/roles') },
  { name: 'system-sessions', path: system('/sessions') },
  { name: 'system-tokens', path: system('/tokens') },
  { name: 'system-elevations', path: system('/elevations') },
  { name: 'system-audit', path: system('/audit'), before: async (page) => { await page.getByRole('button', { name: /Check the chain|校验/ }).click(); await page.getByText(/The log is whole|日志完整/).waitFor(); } },
  { name: 'system-sensors', path: system('/sensors') },
  { name: 'system-storage', path: system('/storage') },
  { name: 'system-about', path: system('/about') },
  { name: 'matrix', path: '/matrix' },
  { name: 'matrix-cell', path: '/matrix/cloud/instance-login' },
  { name: 'matrix-attack', path: '/matrix/attack' },
  { name: 'matrix-open', path: '/matrix/attack?show=open&as=table' },
  { name: 'rules', path: '/rules?fired=true' },
  { name: 'rule', path: '/rules/rule/log4shell' },
  { name: 'rule-edit', path: '/rules/new?from=log4shell', before: tried },
  { name: 'rule-faulty', path: '/rules/new', before: async (page) => { await page.locator('.m-editor textarea').fill('title: Something\nlevel: terrible\nlogsource: { product: linux }\ndetection:\n  selection:\n    message|re: (?=(a+)+)b\n  condition: selection\n'); await page.locator('.mr-faults li').first().waitFor(); } },
  { name: 'rules-exceptions', path: excepted },
];
