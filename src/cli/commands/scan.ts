import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { InvalidArgumentError, Option } from 'commander';
import { MoatError, saidBy } from '../../core/error.ts';
import type { Finding as StoredFinding, ScanRun } from '../../api/contract/scans.ts';
import { atLeast, levels, type Level } from '../../core/level.ts';
import { checkReportPlace, writeReport } from '../../agent/report-file.ts';
import { leastMemoryMb, scanInProcess, usualMemoryMb } from '../../agent/scan-process.ts';
import { mountChoiceOf } from '../../agent/scan-mounts.ts';
import { portsOf } from '../../agent/scan-ports.ts';
import { handOver } from '../../agent/scan-hand-over.ts';
import { rememberFindings } from '../../agent/seen-findings.ts';
import type { ScanProfile } from '../../agent/scan.ts';
import { techniqueText } from '../../engine/incident/technique-names.ts';
import { htmlOf } from '../../scan/html.ts';
import type { MountChoice } from '../../scan/mounts.ts';
import { exitCodeOf, later, type ScanReport } from '../../scan/report.ts';
import type { Progress } from '../../scan/runner.ts';
import { sarifOf } from '../../scan/sarif.ts';
import { storiesOf } from '../../scan/stories.ts';
import { findingJson, reportLines } from '../scan-text.ts';
import { configOf, dataFolder, globals } from '../globals.ts';
import { intoMountOption, mountsFor, withoutMountOption } from '../mount-options.ts';
import { Output } from '../output.ts';
import { progressLine } from '../progress.ts';
import type { Cli } from '../program.ts';
import { notRemote, remoteOf } from '../ask.ts';
import type { Fetch } from '../remote/http.ts';
import { pages } from '../remote/operations.ts';
import { clock, jsonLine, levelWord, safe } from '../terminal.ts';
import { version } from '../version.ts';

interface Options {
  root?: string; image?: string; only?: string[]; skip?: string[]; yara?: string[]; withoutMount?: string[]; intoMount?: string[]; profile: ScanProfile; since?: number; failOn: Level; all?: boolean;
  json?: boolean; html?: string; sarif?: string; list?: boolean; maxMemory: number; maxTime: number; nice: boolean; handOver: boolean; verbose?: boolean;
}

/** What a shell expects of a program that a signal ended. */
const exitOnSignal = { SIGINT: 130, SIGTERM: 143 } as const;

export function addScan({ program, lang, t }: Cli): void {
  program.command('scan')
    .description(t('查这台机器（或一块盘、一个镜像）有没有后门：结论、证据、来路、怎么清', 'look for back doors on this machine, a disk or an image: the verdict, the evidence, what to do'))
    .option('--root <dir>', t('查挂载在此的磁盘或解开的镜像，不运行其中任何东西', 'look at a disk or image mounted there; nothing of it is run'))
    .option('--image <file>', t('查镜像：docker save、OCI 布局（文件或目录）、docker export；含多个时写 文件:名字', 'look at an image: docker save, an OCI layout (file or folder), docker export; FILE:NAME when it holds several'))
    .option('--only <ids>', t('只做这些检查（逗号分隔，可为组名）', 'only these checks or groups, separated by commas'), ids)
    .option('--skip <ids>', t('不做这些检查', 'not these checks or groups'), ids)
    .option('--yara <dir>', t('另加的 YARA 规则目录（可多次）', 'one more folder of YARA rules (may be repeated)'), (dir: string, all: string[] | undefined) => [...(all ?? []), resolve(dir)])
    .addOption(withoutMountOption(t)).addOption(intoMountOption(t))
    .option('--profile <name>', t('full 全部；quick 只查已知位置与运行中的东西，不逐个看文件', 'full: everything; quick: known places and what runs, without the walk over every file'), profile, 'full')
    .option('--since <time>', t('只列此后出现的（如 2d、12h、2026-11-20）；不知何时出现的照列', 'only what came to be since then (2d, 12h, 2026-11-20), and what has no time'), since)
    .option('--fail-on <level>', `${t('达到此级别时退出码为 1', 'exit 1 for findings of this level or above')}: ${levels.join(', ')}`, level, 'high')
    .option('--all', t('全部列出，不省略', 'show everything, leave nothing out'))
    .option('--json', t('发现逐行以 JSON 打印到标准输出', 'findings on standard output, one JSON object a line'))
    .option('--html <file>', t('把报告写成一个 HTML 文件（- 为标准输出）', 'write the report as one HTML file (- is standard output)'))
    .option('--sarif <file>', t('把发现写成 SARIF 2.1.0（- 为标准输出）', 'write the findings as SARIF 2.1.0 (- is standard output)'))
    .option('--max-memory <mb>', t('内存上限（MiB），到了就停下并说明', 'stop, and say so, when it takes more memory, MiB'), memory, usualMemoryMb())
    .addOption(new Option('--max-time <span>', t('时限（如 30m、2h；0 不限）：到时不再继续，说明哪些没看', 'stop looking after this time and say what was left out (30m, 2h; 0 for no limit)')).argParser(minutes).default(60, '1h'))
    .option('--no-nice', t('不让路：与其他程序平等争用 CPU 和磁盘', 'do not step back behind other programs for processor and disk'))
    .option('--no-hand-over', t('不把发现交给本机运行中的 Moat（以 root 检查本机时默认交给它，归入事件）', 'do not hand the findings to the Moat that runs here (done by itself for scans of this machine as root: they join incidents)'))
    .option('--verbose', t('显示每项检查用时（walk 为走目录树）', 'show the time each check takes (walk: going through the tree)'))
    .option('--list', t('列出所有检查', 'list the checks'))
    .addHelpText('after', `\n${t('退出码：0 干净，1 有达到级别的发现，2 有地方没能查，130 被 Ctrl-C 中断', 'Exit code: 0 clean, 1 findings of that level, 2 something could not be looked at, 130 interrupted by Ctrl-C')}`)
    .action(async (options: Options) => {
      if (options.list) { await list(options.json === true, lang); return; }
      checkOutputs(options);
      const fetch = await remoteOf(program);
      if (fetch !== undefined) { await scanThere(fetch, options, { lang, t }); return; }
      if (options.root === undefined && options.image === undefined && process.getuid?.() !== 0) console.error(t('不是 root：别人的进程、口令文件和许多目录看不到，结果不完整；建议用 sudo 运行', 'Not root: processes of others, password files and many folders cannot be seen, so the result is not whole; better run it with sudo'));
      const stop = new AbortController();
      let signal: keyof typeof exitOnSignal | undefined;
      let signalled = 0;
      const onSignal = (name: keyof typeof exitOnSignal): void => {
        // Asked twice: at once. A signal to the group and to the process (timeout does so) is one.
        if (signal && Date.now() - signalled > 500) process.exit(exitOnSignal[name]);
        if (signal) return;
        signal = name;
        signalled = Date.now();
        stop.abort(new MoatError('stopped', t('被中断', 'it was interrupted')));
      };
      const onInt = (): void => onSignal('SIGINT');
      const onTerm = (): void => onSignal('SIGTERM');
      process.on('SIGINT', onInt).on('SIGTERM', onTerm);
      const watch = watchProgress(options, lang);
      let report: ScanReport;
      try {
        const { root, image, only, skip } = options;
        const settings = await settingsOf(program, lang);
        report = await scanInProcess({ ...(root !== undefined && { root: resolve(root) }), ...(image !== undefined && { image: resolve(image) }), ...(only && { only }), ...(skip && { skip }), ...(options.yara && { yara: options.yara }), profile: options.profile, maxMinutes: options.maxTime, data: dataFolder(program), ports: settings?.ports ?? [], mounts: mountsFor(options, settings?.mounts) }, {
          signal: stop.signal, nice: options.nice, maxMemoryMb: options.maxMemory, warn: (text) => { watch.clear(); console.error(safe(text[lang])); }, onProgress: watch.show,
        });
      } finally { watch.end(); }
      const fix = remember(report, program, lang);
      if (options.handOver) await give(report, program, lang);
      if (options.since !== undefined) report = later(report, options.since);
      // Known before a word is printed: whoever reads only the first lines ends the program, and is told the same.
      process.exitCode = signal ? exitOnSignal[signal] : exitCodeOf(report, options.failOn);
      await print(report, options, lang, fix);
      process.off('SIGINT', onInt).off('SIGTERM', onTerm);
    });
}

/** By the Moat of that machine, as it scans by itself; its findings are kept there. */
async function scanThere(fetch: Fetch, options: Options, { lang, t }: Pick<Cli, 'lang' | 't'>): Promise<void> {
  const { root, image, skip, yara, withoutMount, intoMount, since: from, html, sarif } = options;
  const [other] = Object.entries({ '--root': root, '--image': image, '--skip': skip, '--yara': yara, '--without-mount': withoutMount, '--into-mount': intoMount, '--since': from, '--html': html, '--sarif': sarif, ...(options.profile === 'quick' && { '--profile quick': true }) }).flatMap(([name, value]) => (value === undefined ? [] : [name]));
  if (other !== undefined) throw notRemote(`moat scan ${other}`);
  const { finished } = await import('../remote/job.ts');
  const line = progressLine(t('扫描', 'scanning'));
  const started = await fetch({ method: 'POST', path: '/scans', body: options.only ? { only: options.only } : {} });
  const { scan } = await finished<{ scan: string }>(fetch, started, ({ progress }) => line.show(`${progress?.part === undefined ? '' : `${Math.round(progress.part * 100)} %  `}${progress?.what?.[lang] ?? ''}`)).finally(() => line.clear());
  const run = await fetch({ method: 'GET', path: `/scans/${encodeURIComponent(scan)}` }) as ScanRun;
  // What this run saw.
  const found = (await pages<StoredFinding>(fetch, '/findings', {})).filter(({ last }) => last >= run.started);
  const out = new Output();
  for (const one of found) out.line(options.json ? jsonLine({ ...one, first: new Date(one.first).toISOString(), last: new Date(one.last).toISOString() }) : `${levelWord(one.level, lang)} ${safe(one.title[lang])}${one.path === undefined ? '' : `  ${safe(one.path)}`}  ${safe(one.check)}  ${safe(one.id)}`);
  if (!options.json) out.line({ clean: t('没有发现入侵迹象', 'no sign of an intrusion'), suspicious: t('可疑', 'suspicious'), compromised: t('已被入侵', 'compromised') }[run.verdict]);
  await out.end();
  const { blind, blind_left: left, stopped } = run;
  for (const { check, what, why } of blind) console.error(safe(`${t('没能查', 'could not look')}: ${check}${what === undefined ? '' : ` ${what}`}: ${why[lang]}`));
  if (left > 0) console.error(t(`另有 ${left} 处没能查`, `${left} more places could not be looked at`));
  if (stopped) console.error(safe(stopped[lang]));
  process.exitCode = found.some((one) => atLeast(one.level, options.failOn)) ? 1 : blind.length + left > 0 || stopped ? 2 : 0;
}

/** For `moat fix`: gives the words that call it, without the id, where it can do something. Whoever may not write there cannot fix anything either. */
function remember(report: ScanReport, program: Cli['program'], lang: Cli['lang']): readonly string[] | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const data = dataFolder(program);
  try {
    // What is done is done, and taken back, by the Moat that runs.
    return rememberFindings(data, report) && existsSync(join(data, 'moat.sock')) ? ['moat', ...(globals(program).data === undefined ? [] : ['--data', resolve(data)]), 'fix'] : undefined;
  } catch (error) {
    console.error(safe(saidBy(error)[lang]));
    return undefined;
  }
}

/** The agent raises what is new and joins it to incidents. Not having one is no fault. */
async function give(report: ScanReport, program: Cli['program'], lang: Cli['lang']): Promise<void> {
  if (process.getuid?.() !== 0) return;
  try {
    const taken = await handOver(dataFolder(program), report);
    if (taken && taken.raised > 0) console.error(lang === 'zh' ? `已交给运行中的 Moat：${taken.findings} 项发现，其中 ${taken.raised} 项是新的（moat incident 查看）` : `handed to the running Moat: ${taken.findings} findings, ${taken.raised} of them new (see moat incident)`);
  } catch (error) { console.error(safe(saidBy(error)[lang])); }
}

async function print(report: ScanReport, options: Options, lang: Cli['lang'], fix: readonly string[] | undefined): Promise<void> {
  const out = new Output();
  const stories = storiesOf(report.findings, report.busy);
  const storyOf = new Map(stories.filter(({ findings }) => findings.length > 1).flatMap((story) => story.findings.map(({ id }) => [id, story.id])));
  const files = [
    { path: options.html, make: () => htmlOf(report, stories, { lang, clock, version: version(), technique: techniqueText, fix }) },
    { path: options.sarif, make: () => JSON.stringify(sarifOf(report, stories, lang, version()), null, 1) },
  ];
  const toStdout = options.json === true || files.some(({ path }) => path === '-');
  if (options.json) for (const one of report.findings) out.line(jsonLine(findingJson(one, lang, storyOf.get(one.id))));
  if (!toStdout) for (const line of reportLines(report, stories, { lang, columns: process.stdout.columns ?? 100, all: options.all === true, verbose: options.verbose === true, fix })) out.line(line);
  for (const { path, make } of files) {
    if (path === undefined) continue;
    if (path === '-') { out.line(make()); continue; }
    writeReport(path, make());
    console.error(lang === 'zh' ? `已写入 ${safe(path)}` : `written: ${safe(path)}`);
  }
  await out.end();
  if (!toStdout) return;
  // Whoever reads standard output is a program; a person is told the rest.
  for (const { check, what, why } of report.blind) console.error(safe(`${lang === 'zh' ? '没能查' : 'could not look'}: ${check}${what === undefined ? '' : ` ${what}`}: ${why[lang]}`));
  if (report.older && report.older.findings > 0) console.error(lang === 'zh' ? `更早的 ${report.older.findings} 项未列出` : `${report.older.findings} older findings left out`);
  if (options.verbose) for (const [check, ms] of Object.entries(report.spent)) console.error(`${String(Math.round(ms)).padStart(8)} ms  ${check}`);
}

/** On a terminal one line that moves, also while a check is long silent. */
function watchProgress(options: Options, lang: Cli['lang']): { show: (progress: Progress) => void; clear: () => void; end: () => void } {
  const t = (zh: string, en: string): string => (lang === 'zh' ? zh : en);
  const line = progressLine(t('扫描', 'scanning'));
  const began = Date.now();
  let last: Progress | undefined;
  let said = '';
  const draw = (): void => {
    const seconds = t(`${Math.round((Date.now() - began) / 1000)} 秒`, `${Math.round((Date.now() - began) / 1000)} s`);
    if (!last) { line.show(seconds); return; }
    const { check, nth, of, files, findings, at } = last;
    line.show([`${nth}/${of}`, check?.[lang] ?? t(`逐个查看文件：${files}`, `every file: ${files}`), t(`${findings} 项发现`, `${findings} findings`), seconds, ...(at === undefined ? [] : [at])].join(' · '));
  };
  const timer = setInterval(draw, 1000);
  return {
    show: (progress) => {
      last = progress;
      const title = progress.check?.[lang] ?? t('逐个查看文件', 'every file');
      if (options.verbose && !process.stderr.isTTY && title !== said) console.error(`${clock(Date.now())} ${title}`);
      said = title;
      draw();
    },
    clear: () => line.clear(),
    end: () => { clearInterval(timer); line.clear(); },
  };
}

/** Only now: the checks and what they need are a lot to load. */
async function list(json: boolean, lang: Cli['lang']): Promise<void> {
  const { checks } = await import('../../checks/catalogue.ts');
  const out = new Output();
  for (const { id, group, title, scope } of checks) out.line(json ? jsonLine({ id, group, scope, title: title[lang] }) : `${id.padEnd(24)} ${group.padEnd(12)} ${title[lang]}`);
  await out.end();
}

/** The white list of the behaviour that watches listeners, and the mounts that the operator knows; a configuration that cannot be read is told and the scan goes on without. */
async function settingsOf(program: Cli['program'], lang: Cli['lang']): Promise<{ ports: readonly string[]; mounts: MountChoice } | undefined> {
  try {
    const config = await configOf(program);
    return { ports: portsOf(config), mounts: mountChoiceOf(config.scan) };
  } catch (error) {
    console.error(safe(saidBy(error)[lang]));
    return undefined;
  }
}

function ids(text: string, all: string[] = []): string[] {
  const named = text.split(',').map((id) => id.trim()).filter(Boolean);
  // An empty variable of a script would leave out everything, or nothing.
  if (named.length === 0) throw new InvalidArgumentError('expected ids of checks or groups, see moat scan --list');
  return [...all, ...named];
}

function checkOutputs({ json, html, sarif }: Options): void {
  const toStdout = [...(json ? ['--json'] : []), ...(html === '-' ? ['--html -'] : []), ...(sarif === '-' ? ['--sarif -'] : [])];
  if (toStdout.length > 1) throw new MoatError('bad-option', `expected one report on standard output, got ${toStdout.join(' and ')}`, { zh: `标准输出只能给一份报告，现在有 ${toStdout.join('、')}`, hint: { zh: '其余的写到文件', en: 'name a file for the others' } });
  for (const path of [html, sarif]) if (path !== undefined && path !== '-') checkReportPlace(path);
}

function level(text: string): Level {
  const found = levels.find((one) => one === text);
  if (!found) throw new InvalidArgumentError(`expected one of ${levels.join(', ')}`);
  return found;
}

function profile(text: string): ScanProfile {
  if (text !== 'quick' && text !== 'full') throw new InvalidArgumentError('expected quick or full');
  return text;
}

function memory(text: string): number {
  const mb = Number(text);
  if (!Number.isInteger(mb) || mb < leastMemoryMb) throw new InvalidArgumentError(`expected MiB, at least ${leastMemoryMb}`);
  return mb;
}

/** Minutes; 0 for no limit. */
function minutes(text: string): number {
  const span = /^(\d{1,5})([smh])$/.exec(text);
  if (text !== '0' && (!span || Number(span[1]) === 0)) throw new InvalidArgumentError('expected a span such as 30m or 2h, or 0');
  return span ? Number(span[1]) * { s: 1 / 60, m: 1, h: 60 }[span[2] as 's' | 'm' | 'h'] : 0;
}

/** A span back from now, or a date in local time. Unix ms. */
function since(text: string): number {
  const span = /^(\d{1,6})([smhdw])$/.exec(text);
  if (span) return Date.now() - Number(span[1]) * { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }[span[2] as 's' | 'm' | 'h' | 'd' | 'w'];
  const date = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:\d\d)?))?$/.exec(text);
  const at = date ? Date.parse(`${date[1]}T${date[2] ?? '00:00'}`) : Number.NaN;
  // 30 February would be taken for 2 March.
  const day = date && new Date(`${date[1]}T00:00Z`);
  const real = day && !Number.isNaN(day.getTime()) && day.toISOString().startsWith(date[1]!);
  if (Number.isNaN(at) || !real) throw new InvalidArgumentError('expected a number with s, m, h, d or w, such as 2d, or a date such as 2026-11-20 or 2026-11-20T03:12');
  return at;
}
