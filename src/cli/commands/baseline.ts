/** `moat baseline`: what the system was like when it was known to be good, and what changed since. */
import { MoatError, saidBy } from '../../core/error.ts';
import { acceptBaseline, baselineSummary, compareBaseline, defaultKeyPath, makeBaseline, type BaselineRequest } from '../../agent/baseline.ts';
import { mountChoiceOf } from '../../agent/scan-mounts.ts';
import { isWatched, runWatched } from '../../agent/watched.ts';
import { usualExclude, usualFolders, type Wanted } from '../../baseline/baseline.ts';
import type { Summary } from '../../baseline/store.ts';
import { changeJson, changeLines, upgradeLines, summaryLines, UpgradeCount } from '../baseline-text.ts';
import { countText } from '../../scan/count-texts.ts';
import { mountsForWalk, type MountChoice } from '../../scan/mounts.ts';
import { Procfs } from '../../linux/procfs.ts';
import { configOf, dataFolder } from '../globals.ts';
import { intoMountOption, mountsFor, withoutMountOption, type MountOptions } from '../mount-options.ts';
import { Output } from '../output.ts';
import { progressLine } from '../progress.ts';
import type { Cli } from '../program.ts';
import { jsonLine, safe } from '../terminal.ts';

interface Options extends MountOptions { keyFile?: string; json?: boolean; folder?: string[]; exclude?: string[]; times?: boolean; all?: boolean; packages?: boolean; seal?: string }

export function addBaseline(cli: Cli): void {
  const { program, lang, t } = cli;
  const baseline = program.command('baseline').description(t('完整性基线：记下系统干净时的样子，以后看出任何改动', 'integrity baseline: remember the system while it is clean and see every later change'));
  const several = (text: string, all: string[] = []): string[] => [...all, text];
  const keyOption = ['--key-file <file>', t('密钥文件，- 表示标准输入；不写则放在数据目录里', 'key file, - for standard input; in the data folder when left out')] as const;
  const rootOption = ['--root <dir>', t('查挂载在此的磁盘', 'a disk mounted there')] as const;

  baseline.command('create')
    .description(t('做一份基线（替换旧的；中断后再运行会接着做）', 'make a baseline in the place of the old one; goes on where it was broken off'))
    .option('--folder <dir>', t(`要记下的目录，可重复；默认 ${usualFolders.join(' ')}`, `folder to remember, again and again; default ${usualFolders.join(' ')}`), several)
    .option('--exclude <dir>', t(`跳过的目录或文件，可重复；默认 ${usualExclude.join(' ')}`, `folder or file to leave out, again and again; default ${usualExclude.join(' ')}`), several)
    .option(...keyOption).option(...rootOption).addOption(withoutMountOption(t)).addOption(intoMountOption(t)).option('--json', t('输出 JSON', 'JSON'))
    .addHelpText('after', `\n${t('退出码：0 做好了，2 没能做，或有地方没能查（基线里没有它们）', 'Exit code: 0 made, 2 it could not be made, or something could not be looked at and is not in it')}`)
    .action((options: Options) => watched(cli, options, async (request, out) => {
      const made = await makeBaseline({ ...request, ...(options.folder && { folders: options.folder }), ...(options.exclude && { exclude: options.exclude }), now: Date.now() });
      if (options.json) out.line(jsonLine(made));
      else {
        for (const line of summaryLines(made, lang)) out.line(line);
        if (made.keyBeside) console.error(t(`密钥在本机 ${defaultKeyPath(request.data)}：拿到 root 的人能连基线带密钥一起改。要防这个，用 --key-file 把密钥放到别处，并另存上面的封印。`, `The key lies on this machine, ${defaultKeyPath(request.data)}: who becomes root can rewrite the baseline with it. Keep the key elsewhere with --key-file, and write down the seal above.`));
      }
    }));

  baseline.command('diff')
    .description(t('与基线相比有什么变化', 'what is not as it was'))
    .option('--times', t('也列出只有时间、inode 变化的文件', 'tell files too of which only times or the inode changed'))
    .option(...keyOption).option(...rootOption).addOption(withoutMountOption(t)).addOption(intoMountOption(t)).option('--json', t('每行一个 JSON 对象', 'one JSON object a line'))
    .addHelpText('after', `\n${t('退出码：0 没有变化（软件包升级不算），1 有变化，2 没能比对或有地方没能查', 'Exit code: 0 no change (upgrades of packages are none), 1 changes, 2 it could not be compared, or not all of it')}`)
    .action((options: Options) => watched(cli, options, async (request, out, seen) => {
      const upgrades = new UpgradeCount();
      let [changes, touched] = [0, 0];
      for await (const change of compareBaseline(request)) {
        if (change.action === 'touched' || change.shipped) { touched++; if (!options.times) continue; }
        else if (change.upgrade) upgrades.add(change.upgrade);
        else changes++;
        if (options.json) out.line(jsonLine(changeJson(change)));
        else if (!change.upgrade) for (const line of changeLines(change, lang)) out.line(line);
        await out.drained();
      }
      if (!options.json) for (const line of upgradeLines(upgrades, { changes, touched }, lang)) out.line(line);
      process.exitCode = changes > 0 ? 1 : seen.blind > 0 ? 2 : 0;
    }));

  baseline.command('accept [paths...]')
    .description(t('把变化接受进基线：这些路径、全部、或软件包升级的', 'take changes over into the baseline: those paths, all, or what packages changed'))
    .option('--all', t('全部变化', 'every change')).option('--packages', t('软件包管理器做的变化', 'what package managers changed'))
    .option(...keyOption).option(...rootOption).addOption(withoutMountOption(t)).addOption(intoMountOption(t)).option('--json', t('每行一个 JSON 对象', 'one JSON object a line'))
    .action((paths: string[], options: Options) => watched(cli, options, async (request, out) => {
      const { changes, dropped } = await acceptBaseline({ ...request, wanted: wantedOf(paths, options), now: Date.now() });
      const told = changes.filter(({ action }) => action !== 'touched');
      for (const change of told) for (const line of options.json ? [jsonLine(changeJson(change))] : changeLines(change, lang)) out.line(line);
      if (!options.json) out.line(t(`已接受 ${told.length + dropped} 项变化`, `${told.length + dropped} changes taken over`));
    }));

  const shown = (name: string, text: string, more: boolean): void => {
    const command = baseline.command(name).description(text).option(...keyOption).option('--json', t('输出 JSON', 'JSON'));
    if (more) command.option('--seal <hex>', t('做基线时记下的封印，用来看出整份被换成旧的', 'the seal that was written down: shows that an older baseline was put back'));
    command.action((options: Options) => run(cli, options, async (request, out) => {
      const summary: Summary = baselineSummary(request);
      if (options.seal !== undefined && options.seal.toLowerCase() !== summary.seal) throw new MoatError('other-seal', `expected the seal ${options.seal}, got ${summary.seal}`, { zh: `封印应为 ${options.seal}，实为 ${summary.seal}`, hint: t('基线在那之后被更新过，或被换成了另一份', 'the baseline was updated since, or another was put in its place') });
      if (options.json) out.line(jsonLine(summary));
      else for (const line of summaryLines(summary, lang)) out.line(line);
    }));
  };
  shown('status', t('基线的时间、范围和更新记录', 'when it was made, of what, and what was taken over'), false);
  shown('verify', t('基线本身有没有被改过', 'was the baseline itself changed'), true);
}

function wantedOf(paths: readonly string[], { all, packages }: Options): Wanted {
  if (Number(all ?? false) + Number(packages ?? false) + Number(paths.length > 0) !== 1) throw new MoatError('bad-option', 'expected either paths, --all or --packages', { zh: '要么写路径，要么用 --all 或 --packages', hint: 'moat baseline accept /etc/hosts' });
  return all ? 'all' : packages ? 'packages' : paths;
}

/** Where a mount might not answer a process of its own looks at the files: one that waits for it could not even say so. */
async function watched(cli: Cli, options: Options, work: Parameters<typeof run>[2]): Promise<void> {
  const { lang, program } = cli;
  if (isWatched() || !mayWait()) { await run(cli, options, work, mountsFor(options, await configured(program, lang))); return; }
  process.exitCode = await runWatched({ onStill: (why) => { console.error(safe(why[lang])); } });
  // What was given up may hold pipes of ours for ever.
  if (process.exitCode === 2) process.exit();
}

/** Starting a second process costs a third of what the programs of a system take. */
function mayWait(): boolean {
  const mounts = mountsForWalk(new Procfs('/'), '');
  return mounts === undefined || mounts.closed.size > 0;
}

/** What it cannot read is told; then mounts are those of a machine where nothing was said of them. */
async function configured(program: Cli['program'], lang: Cli['lang']): Promise<MountChoice | undefined> {
  try {
    return mountChoiceOf((await configOf(program)).scan);
  } catch (error) {
    if (!(error instanceof MoatError)) throw error;
    console.error(safe(saidBy(error)[lang]));
    return undefined;
  }
}

/** What every sub-command shares: progress, interruption, exit code 2 for what could not be done. */
async function run({ program, lang, t }: Cli, options: Options, work: (request: BaselineRequest, out: Output, seen: { blind: number }) => Promise<void>, mounts?: MountChoice): Promise<void> {
  const out = new Output();
  const stop = new AbortController();
  const onSignal = (): void => { stop.abort(new MoatError('stopped', t('被中断；create 再运行会接着做', 'interrupted; create goes on when it is run again'))); };
  // More than once: a terminal sends it to whoever watches as well, who hands it on.
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  if (isWatched()) { process.once('disconnect', onSignal); process.channel?.unref(); }
  const progress = progressLine(t('基线', 'baseline'));
  const seen = { blind: 0 };
  const counts = new Map<string, number>();
  try {
    await work({
      data: dataFolder(program), signal: stop.signal, mounts,
      ...(options.root !== undefined && { root: options.root }), ...(options.keyFile !== undefined && { keyFile: options.keyFile }),
      warn: ({ zh, en }) => console.error(safe(t(zh, en))),
      blind: (path, why) => { seen.blind++; console.error(safe(`${t('没能查', 'could not look')}: ${path}: ${t(why.zh, why.en)}`)); },
      count: (what, n = 1) => { counts.set(what, (counts.get(what) ?? 0) + n); },
      onProgress: (files, path) => { if (files % 200 === 0) progress.show(`${files} ${path}`); },
    }, out, seen);
    for (const [what, n] of counts) console.error(safe(`${countText(what, lang)}: ${n}`));
    if (seen.blind > 0) process.exitCode ??= 2;
  } catch (error) {
    process.exitCode = 2;
    throw error;
  } finally {
    progress.clear();
    await out.end();
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal).off('disconnect', onSignal);
  }
}
