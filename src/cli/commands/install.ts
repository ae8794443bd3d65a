import { join } from 'node:path';
import { InvalidArgumentError } from 'commander';
import { loadConfig } from '../../agent/config.ts';
import { confirm } from '../confirm.ts';
import { configFile, install, uninstall, unitText } from '../../agent/install.ts';
import type { Cli } from '../program.ts';

export function addInstall({ program, lang, t }: Cli): void {
  /** By the configuration that the service will read. */
  const captureMb = (root: string): number | undefined => {
    const { capture } = loadConfig(join(root, configFile), { mustExist: false }).evidence;
    return capture.enabled ? capture.memory_mb : undefined;
  };
  program.command('install')
    .description(t('装成加固的 systemd 服务（需要 root）', 'install as a hardened systemd service (needs root)'))
    .option('--memory <mb>', t('内存上限（MiB）', 'memory limit, MiB'), number, 300)
    .option('--cpu <percent>', t('CPU 上限（单核百分比）', 'CPU limit, percent of one core'), number, 50)
    .option('--no-start', t('只安装，不启动', 'install only, do not start'))
    .option('--root <dir>', t('装到另一个根目录（镜像），不启动', 'install into another root folder (an image); nothing is started'), '/')
    .option('--print-unit', t('只打印 systemd 单元', 'only print the systemd unit'))
    .action((options: { memory: number; cpu: number; start: boolean; root: string; printUnit?: boolean }) => {
      if (options.printUnit) { process.stdout.write(unitText({ memoryMb: options.memory, cpuPercent: options.cpu, captureMb: captureMb(options.root) })); return; }
      install({ root: options.root, lang, start: options.start, memoryMb: options.memory, cpuPercent: options.cpu, captureMb: captureMb(options.root), say: (text) => console.log(text) });
      console.log(t('已安装。查看：moat status；卸载：moat uninstall', 'Installed. Look at it: moat status; take it away: moat uninstall'));
    });
  program.command('uninstall')
    .description(t('停止服务并移除 install 放下的全部内容', 'stop the service and remove everything that install put there'))
    .option('--keep-data', t('保留数据与配置', 'keep the data and the configuration'))
    .option('--yes', t('不再询问', 'do not ask'))
    .option('--root <dir>', t('另一个根目录', 'another root folder'), '/')
    .action(async (options: { keepData?: boolean; yes?: boolean; root: string }) => {
      const question = options.keepData ? t('移除 Moat，保留数据与配置？', 'Remove Moat and keep its data and configuration?') : t('移除 Moat 及其全部告警与历史？', 'Remove Moat with all its alerts and history?');
      if (!options.yes && !(await confirm(question, t))) { console.log(t('未做改动', 'nothing changed')); return; }
      uninstall({ root: options.root, keepData: options.keepData === true, say: (text) => console.log(text) });
    });
}

function number(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError(`expected a whole number, got ${text}`);
  return value;
}
