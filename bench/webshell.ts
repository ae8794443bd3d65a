/**
 * `npm run bench -- webshell`: our own samples, and the PHP of Debian's packages as if nobody had shipped it. The packages are fetched
 * once into a folder for temporary files (MOAT_BENIGN names another, which is then taken as it is).
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { webshellCheck } from '../src/checks/webshell/check.ts';
import type { ScanContext } from '../src/checks/port.ts';
import { atLeast } from '../src/core/level.ts';
import type { Finding } from '../src/core/finding.ts';
import { ownSignatures } from '../src/agent/scan.ts';
import { DiskTree } from '../src/linux/disk-tree.ts';
import { PackageProvenance } from '../src/linux/provenance.ts';
import { named } from '../src/webshell/choose.ts';
import { languages } from '../src/webshell/languages.ts';
import { walk } from '../src/scan/walk.ts';
import { phpSamples } from '../test/webshells/php.ts';
import { row, type Row } from './report.ts';

const wanted = /^(?:wordpress|phpmyadmin|roundcube|mediawiki|dokuwiki|moodle|adminer|cacti|nagvis|mantis|composer|phpunit|icingaweb2|cakephp|smarty|tcpdf|ampache|spip|zabbix-frontend|ldap-account-manager|simplesamlphp|galette|dolibarr|gosa|tt-rss|shaarli|postfixadmin|ocsinventory|phpsysinfo|davical|php-)/;
const shown = 30;

export async function benchWebshell(): Promise<Row[]> {
  const analyse = languages.php!;
  const samples = phpSamples();
  const found = samples.filter(({ source }) => analyse(source.toString('latin1')).signs.some(({ level }) => atLeast(level, 'high')));

  const root = process.env.MOAT_BENIGN ?? fetched();
  const tree = new DiskTree(root, undefined);
  const counts: Record<string, number> = {};
  const { signal } = new AbortController();
  const context: ScanContext = { signal, tree, provenance: new PackageProvenance(tree, undefined, signal), machine: undefined, signatures: ownSignatures, ports: [], rules: () => [], now: Date.now, count: (what, n = 1) => { counts[what] = (counts[what] ?? 0) + n; }, blind: (what) => { throw new Error(`cannot read ${what}`); } };
  const worker = join(import.meta.dirname, '../dist/webshell-worker.js');
  const visitor = webshellCheck({ worker }).walk(context);
  const findings: Finding[] = [];
  let files = 0;
  let php = 0;
  const started = performance.now();
  for (const file of walk(tree, { signal: context.signal, machine: undefined, count: (what, n) => { context.count(what, n); }, onFault: (path, reason) => { throw new Error(`${path}: ${reason.en}`); } })) {
    files++;
    if (!visitor.wants(file)) continue;
    if (named(file.path)?.language === 'php' || /\.(?:inc|module|tpl)$/.test(file.path)) php++;
    for await (const one of visitor.look(file)) findings.push(one);
  }
  for await (const one of visitor.end!(true)) findings.push(one);
  const seconds = (performance.now() - started) / 1000;

  const alarms = findings.filter(({ level, kind }) => atLeast(level, 'high') && kind === 'intrusion');
  const doubts = findings.filter(({ level }) => level === 'medium');
  for (const { level, path = '', title, evidence } of [...alarms, ...doubts].slice(0, shown)) console.log(`${level} ${path}: ${title.en.slice(path.length + 1)}\n    ${evidence.slice(0, 3).map(({ what, value }) => `${what.en}: ${value.slice(0, 160)}`).join('\n    ')}`);
  for (const [what, n] of Object.entries(counts)) console.log(`${n} ${what}`);
  return [
    row('own PHP samples found', found.length, `of ${samples.length}`, { budget: samples.length }),
    row('false alarms for 10,000 benign PHP files', (alarms.length / Math.max(1, php)) * 10_000, '', { budget: 1, lowerIsBetter: true, detail: `${alarms.length} in ${php} files` }),
    row('doubts (medium)', doubts.length, 'files'),
    row('not looked at whole', counts['files of the web that could not be looked at whole'] ?? 0, 'files'),
    row('benign PHP', php / seconds, 'files/s', { detail: `${php} of ${files} files in ${seconds.toFixed(1)} s` }),
  ];
}

/** The packages unpacked. Nothing of them is run or installed. */
function fetched(): string {
  const folder = join(tmpdir(), 'moat-bench-php');
  if (existsSync(folder)) return folder;
  const run = (command: string, args: readonly string[], cwd?: string): string => execFileSync(command, args, { cwd, encoding: 'utf8', maxBuffer: 256 << 20, stdio: ['ignore', 'pipe', 'ignore'] });
  const names = run('apt-cache', ['pkgnames']).split('\n').filter((name) => wanted.test(name));
  const all = new Set(run('apt-cache', ['show', ...names]).split('\n\n').flatMap((text) => (/^Architecture: all$/m.test(text) ? /^Package: (.+)$/m.exec(text)?.[1] ?? [] : [])));
  const archives = mkdtempSync(join(tmpdir(), 'moat-bench-deb-'));
  console.log(`fetching ${all.size} packages with PHP into ${folder}`);
  const list = [...all];
  for (let i = 0; i < list.length; i += 20) {
    try { run('apt-get', ['download', '-q', ...list.slice(i, i + 20)], archives); } catch { console.log(`some of ${list[i]} … ${list[Math.min(i + 19, list.length - 1)]} could not be fetched`); }
  }
  const made = `${folder}.part`;
  mkdirSync(made, { recursive: true });
  for (const name of readdirSync(archives)) run('dpkg', ['-x', join(archives, name), made]);
  rmSync(archives, { recursive: true });
  execFileSync('mv', [made, folder]);
  return folder;
}
