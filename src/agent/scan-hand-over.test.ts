import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Finding } from '../core/finding.ts';
import type { ScanReport } from '../scan/report.ts';
import { serveControl } from './control.ts';
import { handOver, readHandedOver } from './scan-hand-over.ts';

let dir: string, server: Server | undefined;
beforeEach(() => { dir = mkdtempSync(join(tmpdir(), 'moat-hand-over-')); });
afterEach(() => { server?.close(); server = undefined; rmSync(dir, { recursive: true }); });

const finding: Finding = { id: '0123456789abcdef', check: 'cron', kind: 'intrusion', level: 'high', title: { zh: '可疑任务', en: 'an odd job' }, path: '/etc/cron.d/x', evidence: [{ what: { zh: '行', en: 'line' }, value: '* * * * * root /tmp/x' }], refs: ['attack:T1053.003'] };
const report = (kind: 'machine' | 'folder' = 'machine'): ScanReport => ({ tree: { kind, name: '/' }, started: 1, ended: 2, checks: [{ id: 'cron', group: 'scheduling', title: { zh: '', en: '' }, blind: { zh: '', en: '' } }], known: 1, findings: [finding], blind: [], counts: {}, files: 1, spent: {}, verdict: 'compromised' });

it('gives what a scan of this machine found to the agent, and leaves no file behind', async () => {
  let taken: ScanReport | undefined;
  server = await serveControl(dir, { 'scan-report': () => { taken = readHandedOver(dir); return { findings: taken.findings.length, raised: 1 }; } });
  expect(await handOver(dir, report())).toEqual({ findings: 1, raised: 1 });
  expect(taken?.findings).toEqual([finding]);
  expect(existsSync(join(dir, 'scan-handed-over.json'))).toBe(false);
  expect(await handOver(dir, report('folder'))).toBeUndefined();
});

it('is no fault where no agent runs', async () => { expect(await handOver(dir, report())).toBeUndefined(); });

it.each([
  ['nothing', undefined], ['no JSON', '{'], ['something else', '{"tree":{"kind":"folder"}}'], ['something else', 'null'], ['findings that are none', JSON.stringify({ ...report(), findings: [{ ...finding, level: 'worst' }] })],
  ['findings that are none', JSON.stringify({ ...report(), findings: [null] })], ['findings that are none', JSON.stringify({ ...report(), checks: [{}] })],
])('refuses %s', (what, text) => {
  if (text !== undefined) writeFileSync(join(dir, 'scan-handed-over.json'), text);
  expect(() => readHandedOver(dir)).toThrow(`expected the report of a scan of this machine, got ${what}`);
});
