/** What is photographed. A page adds a line or more. */
import type { Page } from 'playwright-core';
import type { ConsoleMoat } from './moat.ts';

export interface Scene {
  name: string;
  /** Or how to find it, by what there is. */
  path: string | ((moat: ConsoleMoat) => Promise<string>);
  /** As nobody. */
  isOutside?: boolean;
  /** What is done before the picture. */
  then?(page: Page): Promise<unknown>;
}

/** Where the latest alert of a rule stands. */
const alertOf = (rule: string) => async ({ ask }: ConsoleMoat): Promise<string> => {
  const { items } = (await ask('GET', `/alerts?rule=${rule}&limit=1`)).body as { items: { id: string }[] };
  return `/alerts/${items[0]!.id}`;
};

/** Opened and tried, in either language. */
async function exception(page: Page): Promise<void> {
  await page.getByRole('button', { name: /Make an exception|添加例外/ }).click();
  await page.getByRole('button', { name: /Preview|预览/ }).click();
  await page.locator('.a-preview').waitFor();
}

export const scenes: readonly Scene[] = [
  { name: 'log-on', path: '/', isOutside: true },
  { name: 'overview', path: '/' },
  { name: 'alerts', path: '/alerts' },
  { name: 'alert', path: alertOf('log4shell') },
  { name: 'alert-exception', path: alertOf('scanner_user_agent'), then: exception },
  { name: 'alerts-none', path: '/alerts?text=nothing+like+this' },
  { name: 'hosts', path: '/hosts' },
  { name: 'host-ports', path: '/hosts/listeners' },
  { name: 'host-users', path: '/hosts/users' },
  { name: 'hunt', path: '/hunt', then: async (page) => { await page.getByRole('button', { name: /most failed log-ons|登录失败最多/ }).click(); await page.getByRole('button', { name: /Export CSV|导出 CSV/ }).waitFor(); } },
  { name: 'keys', path: '/', then: (page) => page.keyboard.press('?') },
];
