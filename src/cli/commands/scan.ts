import { MoatError } from '../../core/error.ts';
import { levels, type Level } from '../../core/level.ts';
import { runScan } from '../../agent/scan.ts';
import { checks } from '../../checks/catalogue.ts';
import { exitCodeOf } from '../../scan/report.ts';
import { findingJson, reportLines } from '../scan-text.ts';
import { configOf, dataFolder } from '../globals.ts';
import { Output } from '../output.ts';
import { progressLine } from '../progress.ts';
import type { Cli } from '../program.ts';
import { jsonLine, safe } from '../terminal.ts';

interface Options { root?: string; image?: string; only?: string[]; skip?: string[]; failOn: string; json?: boolean; list?: boolean }

export function addScan({ program, lang, t }: Cli): void {
  const ids = (text: string, all: string[] = []): string[] => [...all, ...text.split(',').map((id) => id.trim()).filter(Boolean)];
  program.command('scan')
    .description(t('查这台机器（或一块盘、一个镜像）有没有后门：结论、证据、来路、怎么清', 'look for back doors on this machine, a disk or an image: the verdict, the evidence, what to do'))
    .option('--root <dir>', t('查挂载在此的磁盘或解开的镜像，不运行其中任何东西', 'look at a disk or image mounted there; nothing of it is run'))
    .option('--image <file>', t('查镜像：docker save、OCI 布局（文件或目录）、docker export；含多个时写 文件:名字', 'look at an image: docker save, an OCI layout (file or folder), docker export; FILE:NAME when it holds several'))
    .option('--only <ids>', t('只做这些检查（逗号分隔，可为组名）', 'only these checks or groups, separated by commas'), ids)
    .option('--skip <ids>', t('不做这些检查', 'not these checks or groups'), ids)
    .option('--fail-on <level>', t('达到此级别时退出码为 1', 'exit 1 for findings of this level or above'), 'high')
    .option('--json', t('每行一个 JSON 对象', 'one JSON object a line'))
    .option('--list', t('列出所有检查', 'list the checks'))
    .addHelpText('after', `\n${t('退出码：0 干净，1 有达到级别的发现，2 有地方没能查', 'Exit code: 0 clean, 1 findings of that level, 2 something could not be looked at')}`)
    .action(async (options: Options) => {
      const failOn = levelOf(options.failOn);
      const out = new Output();
      if (options.list) {
        for (const { id, group, title, scope } of checks) out.line(options.json ? jsonLine({ id, group, scope, title: title[lang] }) : `${id.padEnd(24)} ${group.padEnd(12)} ${title[lang]}`);
        return out.end();
      }
      const stop = new AbortController();
      const onSignal = (): void => { stop.abort(new MoatError('stopped', t('扫描被中断', 'the scan was interrupted'))); };
      process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
      const progress = progressLine(t('扫描', 'scanning'));
      const report = await runScan({
        ...options, data: dataFolder(program), ports: allowedPorts(program), signal: stop.signal, warn: (text) => console.error(safe(text)),
        onProgress: ({ check, files, findings }) => { progress.show(`${check?.[lang] ?? t(`${files ?? 0} 个文件`, `${files ?? 0} files`)} · ${findings} ${t('项发现', 'findings')}`); },
      });
      progress.clear();
      process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
      if (options.json) for (const one of report.findings) out.line(jsonLine(findingJson(one, lang)));
      else for (const line of reportLines(report, lang)) out.line(line);
      await out.end();
      if (options.json) for (const { check, what, why } of report.blind) console.error(safe(`${t('没能查', 'could not look')}: ${check}${what ? ` ${what}` : ''}: ${why[lang]}`));
      process.exitCode = exitCodeOf(report, failOn);
    });
}

/** The white list of the behaviour that watches listeners; a configuration that cannot be read is told and the scan goes on without. */
function allowedPorts(program: Cli['program']): readonly string[] {
  try {
    const settings = configOf(program).behaviours['port-whitelist'];
    const ports = typeof settings === 'object' ? settings['ports'] : undefined;
    return Array.isArray(ports) ? ports.map(String) : [];
  } catch (error) {
    console.error(safe((error as Error).message));
    return [];
  }
}

function levelOf(text: string): Level {
  const level = levels.find((one) => one === text);
  if (!level) throw new MoatError('bad-option', `--fail-on: expected one of ${levels.join(', ')}, got ${text}`);
  return level;
}
