/** What `moat scan` found goes to the agent that runs on the same machine: by a file in the data folder, which only its owner can write. */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MoatError } from '../core/error.ts';
import { fixActionsMax, type Finding } from '../core/finding.ts';
import { levels } from '../core/level.ts';
import type { ScanReport } from '../scan/report.ts';
import { askControl } from './control.ts';

/** What the agent made of it. `known`: of these an alert was raised before, or none is. */
export interface Taken { findings: number; raised: number }

const bytesMax = 32 << 20;
const findingsMax = 20_000;
const place = (dataFolder: string): string => join(dataFolder, 'scan-handed-over.json');

/** Undefined when no agent runs here. Throws MoatError 'refused', and what the system throws when nothing can be written. */
export async function handOver(dataFolder: string, report: ScanReport): Promise<Taken | undefined> {
  if (report.tree.kind !== 'machine' || !existsSync(join(dataFolder, 'moat.sock'))) return undefined;
  const path = place(dataFolder), temp = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  writeFileSync(temp, JSON.stringify(report), { mode: 0o600, flag: 'wx' });
  try {
    renameSync(temp, path);
    return (await askControl(dataFolder, 'scan-report', undefined, { patient: true })) as Taken;
  } catch (error) {
    if ((error as MoatError).code === 'not-running') return undefined;
    throw error;
  } finally {
    rmSync(temp, { force: true });
    rmSync(path, { force: true });
  }
}

/** What was handed over, checked. Throws MoatError 'bad-input'. */
export function readHandedOver(dataFolder: string): ScanReport {
  const path = place(dataFolder);
  const bad = (what: string): MoatError => new MoatError('bad-input', `expected the report of a scan of this machine, got ${what} in ${path}`, { zh: `${path} 不是本机的检查报告（${what}）` });
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  if (size === undefined) throw bad('nothing');
  if (size > bytesMax) throw bad(`${size} bytes`);
  let report: Partial<ScanReport> | null;
  try {
    report = JSON.parse(readFileSync(path, 'utf8')) as Partial<ScanReport> | null;
  } catch { throw bad('no JSON'); }
  if (report?.tree?.kind !== 'machine' || !Array.isArray(report.findings) || !Array.isArray(report.checks) || !Array.isArray(report.blind) || typeof report.counts !== 'object' || typeof report.ended !== 'number') throw bad('something else');
  if (report.findings.length > findingsMax || !report.findings.every(isFinding) || !report.checks.every((one: { id?: unknown }) => typeof one?.id === 'string')) throw bad('findings that are none');
  return report as ScanReport;
}

function isFinding(value: unknown): value is Finding {
  const { id, check, kind, level, title, evidence, refs, fix } = (typeof value === 'object' && value !== null ? value : {}) as Partial<Finding>;
  return typeof id === 'string' && id.length <= 200 && typeof check === 'string' && check.length <= 100 && (kind === 'intrusion' || kind === 'weakness' || kind === 'notice') && levels.includes(level as Finding['level'])
    && typeof title?.zh === 'string' && typeof title.en === 'string' && Array.isArray(evidence) && evidence.every((one) => typeof one?.value === 'string' && typeof one.what?.zh === 'string' && typeof one.what.en === 'string')
    && Array.isArray(refs) && refs.every((one) => typeof one === 'string') && (fix?.actions?.length ?? 0) <= fixActionsMax;
}
