/**
 * A small Linux in a folder, for tests of checks: files with their modes, packages with digests, and a scan of it by real
 * checks. `scanRoot([cron], { '/etc/crontab': '…' })` gives the report. Text that begins with `->` makes a link.
 */
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { commandRules, ownSignatures } from '../src/agent/scan.ts';
import type { Check, Machine } from '../src/checks/port.ts';
import { treeDigests } from '../src/linux/digests.ts';
import { DiskTree } from '../src/linux/disk-tree.ts';
import { openFileAttributes } from '../src/linux/file-attributes.ts';
import { openImage } from '../src/linux/image/open.ts';
import { openPackages } from '../src/linux/packages/index.ts';
import { PackageProvenance } from '../src/linux/provenance.ts';
import type { ScanReport } from '../src/scan/report.ts';
import { scan } from '../src/scan/runner.ts';

export interface PlantedFile {
  text?: string | Buffer;
  /** Default 0644. */
  mode?: number;
  /** Modification time, Unix ms. */
  modified?: number;
  /** Shipped by this package with this content; `shipped` when the package shipped another. */
  package?: string;
  shipped?: string;
  /** A file of the package's settings. */
  config?: boolean;
}
export type Planted = Readonly<Record<string, string | Buffer | PlantedFile>>;

export const basePasswd = 'root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\nwww-data:x:33:33:www-data:/var/www:/usr/sbin/nologin\nlin:x:1000:1000:Lin:/home/lin:/bin/bash\n';

/** What every root has unless the test plants another: accounts, a shell and a few tools of packages. */
const base: Planted = {
  '/etc/passwd': basePasswd,
  '/etc/group': 'root:x:0:\nwww-data:x:33:\nlin:x:1000:\n',
  '/bin': '->usr/bin', '/sbin': '->usr/sbin', '/lib': '->usr/lib',
  ...Object.fromEntries(['bash', 'dash', 'sh', 'curl', 'wget', 'python3', 'perl', 'test', 'find', 'chmod', 'base64', 'cat', 'echo', 'true', 'rm', 'cp', 'tar', 'logger'].map((name): [string, PlantedFile] => [`/usr/bin/${name}`, { text: `the program ${name}`, mode: 0o755, package: 'base-tools' }])),
  '/usr/sbin/run-parts': { text: 'the program run-parts', mode: 0o755, package: 'base-tools' },
};

/** Makes the folder; it goes when the test ends. */
export function makeRoot(planted: Planted = {}): string {
  const root = mkdtempSync(join(tmpdir(), 'moat-root-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  plant(root, { ...base, ...planted });
  return root;
}

/** Adds to a root; packages of an earlier call are replaced. */
export function plant(root: string, planted: Planted): void {
  const packages = new Map<string, { path: string; md5: string; config: boolean }[]>();
  // Links of folders first: what lies behind them is written through them.
  const entries = Object.entries(planted).sort(([, a], [, b]) => Number(isLink(b)) - Number(isLink(a)));
  for (const [path, what] of entries) {
    const at = join(root, path);
    mkdirSync(dirname(at), { recursive: true });
    if (isLink(what)) { const to = what.slice(2); if (!to.startsWith('/') && !to.includes(':')) mkdirSync(join(dirname(at), to), { recursive: true }); symlinkSync(to, at); continue; }
    const file: PlantedFile = typeof what === 'string' || Buffer.isBuffer(what) ? { text: what } : what;
    writeFileSync(at, file.text ?? '');
    chmodSync(at, file.mode ?? 0o644);
    if (file.modified !== undefined) utimesSync(at, file.modified / 1000, file.modified / 1000);
    if (file.package === undefined) continue;
    const files = packages.get(file.package) ?? [];
    packages.set(file.package, files);
    files.push({ path, md5: createHash('md5').update(file.shipped ?? file.text ?? '').digest('hex'), config: file.config === true });
  }
  if (packages.size > 0) writeDpkg(root, packages);
}

const isLink = (what: string | Buffer | PlantedFile): what is string => typeof what === 'string' && what.startsWith('->');

function writeDpkg(root: string, packages: ReadonlyMap<string, readonly { path: string; md5: string; config: boolean }[]>): void {
  const info = join(root, 'var/lib/dpkg/info');
  mkdirSync(info, { recursive: true });
  let status = '';
  for (const [name, files] of packages) {
    const config = files.filter((file) => file.config);
    status += `Package: ${name}\nStatus: install ok installed\nArchitecture: all\nVersion: 1.0\n${config.length > 0 ? `Conffiles:\n${config.map(({ path, md5 }) => ` ${path} ${md5}\n`).join('')}` : ''}\n`;
    writeFileSync(join(info, `${name}.list`), ['/.', ...files.map(({ path }) => path)].join('\n') + '\n');
    writeFileSync(join(info, `${name}.md5sums`), files.filter((file) => !file.config).map(({ path, md5 }) => `${md5}  ${path.slice(1)}\n`).join(''));
  }
  writeFileSync(join(root, 'var/lib/dpkg/status'), status);
}

/** Loaded once: it takes longer than most scans of such a root. */
export const rules = commandRules();

/** Scans a root (made with `makeRoot`, or from what is planted). `machine` for checks of processes, with a recorded /proc. */
export async function scanRoot(checks: readonly Check[], planted: Planted | string = {}, machine?: Machine, more: { ports?: readonly string[] } = {}): Promise<ScanReport> {
  const root = typeof planted === 'string' ? planted : makeRoot(planted);
  const { signal } = new AbortController();
  const tree = new DiskTree(root, await openFileAttributes());
  return inChinese(await scan(checks, { signal, tree, rules, now: Date.now, machine, signatures: ownSignatures, ports: more.ports ?? [], provenance: new PackageProvenance(tree, await openPackages(tree), signal) }));
}

/** Five plain words in a row are a sentence; what is quoted, a path or the name of something is not. */
const sentence = /(?:(?<![\w/.-])[A-Za-z]?[a-z']{1,20}(?![\w/.-]),? ){4}[a-z']{2,20}(?![\w/.-])/;

/** Throws when what is said in Chinese is not: every kind of finding comes by here. Values of evidence are data and stand as they are. */
function inChinese(report: ScanReport): ScanReport {
  const said = [
    ...report.findings.flatMap(({ check, title, means, fix, evidence }) => [title, means, fix?.text, ...evidence.map(({ what }) => what)].map((text) => ({ from: check, text }))),
    ...report.blind.map(({ check, why }) => ({ from: check, text: why })),
  ];
  for (const { from, text } of said) {
    // A name of our own, such as that of a command, may stand alone.
    if (text && (sentence.test(text.zh) || (text.zh === text.en && sentence.test(text.en)))) throw new Error(`expected Chinese from ${from}, got: ${text.zh}`);
  }
  return report;
}

/** Scans an image archive or folder; whose a file is, is not known when it holds no packages. */
export async function scanImage(checks: readonly Check[], path: string): Promise<ScanReport> {
  const { signal } = new AbortController();
  const image = await openImage(path, { signal });
  try {
    const { tree, facts, faults, counts } = image;
    return await scan(checks, { signal, tree, faults, counts, image: facts, rules, now: Date.now, machine: undefined, signatures: ownSignatures, ports: [], provenance: new PackageProvenance(tree, await openPackages(tree).catch(() => undefined), treeDigests(tree, signal)) });
  } finally { image.close(); }
}

/** Paths and levels, for short expectations. */
export const shown = (report: ScanReport): string[] => report.findings.map(({ level, path }) => `${level} ${path ?? ''}`);

/** Scans as somebody who may not read `paths`; needs root. */
export async function scanWithout(checks: readonly Check[], root: string, ...paths: string[]): Promise<ScanReport> {
  chmodSync(root, 0o755);
  for (const path of paths) chmodSync(join(root, path), 0);
  process.seteuid!(65534);
  try {
    return await scanRoot(checks, root);
  } finally { process.seteuid!(0); }
}
