/** The `moat` command: every sub-command in its own file, help in two languages. */
import { Command, Help, type Option } from 'commander';
import type { Lang, Text } from '../core/text.ts';
import { addAlerts } from './commands/alerts.ts';
import { addApprove } from './commands/approve.ts';
import { addBaseline } from './commands/baseline.ts';
import { addCompletion } from './commands/completion.ts';
import { addConfig } from './commands/config.ts';
import { addDeny } from './commands/deny.ts';
import { addDoctor } from './commands/doctor.ts';
import { addEvidence } from './commands/evidence.ts';
import { addGrant } from './commands/grant.ts';
import { addIncident } from './commands/incident.ts';
import { addHands } from './commands/hands.ts';
import { addIntel } from './commands/intel.ts';
import { addFix } from './commands/fix.ts';
import { addInstall } from './commands/install.ts';
import { addNotify } from './commands/notify.ts';
import { addOrigin } from './commands/origin.ts';
import { addProcesses } from './commands/processes.ts';
import { addPlaybook } from './commands/playbook.ts';
import { addPs } from './commands/ps.ts';
import { addQuarantine } from './commands/quarantine.ts';
import { addQuery } from './commands/query.ts';
import { addReplay } from './commands/replay.ts';
import { addNetwork } from './commands/network.ts';
import { addResponse } from './commands/response.ts';
import { addScan } from './commands/scan.ts';
import { addRules } from './commands/rules.ts';
import { addServer } from './commands/server.ts';
import { addStats } from './commands/stats.ts';
import { addSteps } from './commands/steps.ts';
import { addStatus } from './commands/status.ts';
import { addSystem } from './commands/system.ts';
import { addUp } from './commands/up.ts';
import { grouped } from './groups.ts';
import { chooseLang } from './terminal.ts';

/** What every command is handed. */
export interface Cli {
  program: Command;
  lang: Lang;
  /** Picks the language. */
  t: (zh: string, en: string) => string;
}

const titles: Record<string, Text> = {
  'Usage:': { zh: '用法：', en: 'Usage:' },
  'Options:': { zh: '选项：', en: 'Options:' },
  'Global Options:': { zh: '通用选项：', en: 'Global options:' },
  'Arguments:': { zh: '参数：', en: 'Arguments:' },
  'Commands:': { zh: '命令：', en: 'Commands:' },
};

/** The language must be known before commands are described, so it is looked for by hand. */
export function langOf(argv: readonly string[]): Lang {
  const at = argv.indexOf('--lang');
  const given = at >= 0 ? argv[at + 1] : argv.find((word) => word.startsWith('--lang='))?.slice('--lang='.length);
  return chooseLang(given);
}

export function buildProgram(argv: readonly string[], version: string): Command {
  const lang = langOf(argv);
  const t = (zh: string, en: string) => (lang === 'zh' ? zh : en);
  const program = new Command('moat');
  const cli: Cli = { program, lang, t };
  const help: Partial<Help> = { styleTitle: (title) => titles[title]?.[lang] ?? title };
  program
    .description(t('护城河：守护 Linux 云服务器——发现、看清、阻断、清理入侵。', 'Moat protects Linux cloud servers: it detects, explains, contains and cleans up intrusions.'))
    .configureHelp(help)
    .helpOption('-h, --help', t('显示帮助', 'show help'))
    .helpCommand('help [command]', t('显示某个命令的帮助', 'show help for a command'))
    .version(version, '-V, --version', t('显示版本', 'show the version'))
    .option('--lang <zh|en>', t('界面语言（默认跟随系统）', 'language (default: the locale)'))
    .option('--config <file>', t('配置文件（或环境变量 MOAT_CONFIG）', 'configuration file (or MOAT_CONFIG in the environment)'))
    .option('--data <dir>', t('数据目录（或环境变量 MOAT_DATA）', 'data folder (or MOAT_DATA in the environment)'))
    .showHelpAfterError(t('（加 --help 查看用法）', '(add --help for usage)'))
    .showSuggestionAfterError();
  addUp(cli);
  addStatus(cli);
  addScan(cli);
  addFix(cli);
  addBaseline(cli);
  addAlerts(cli);
  addIncident(cli);
  addEvidence(cli);
  addStats(cli);
  addOrigin(cli);
  addPlaybook(cli);
  addPs(cli);
  addReplay(cli);
  addRules(cli);
  addQuery(cli);
  addHands(cli);
  addIntel(cli);
  addResponse(cli);
  addQuarantine(cli);
  addSteps(cli);
  addProcesses(cli);
  addNetwork(cli);
  addGrant(cli);
  addSystem(cli);
  addDeny(cli);
  addServer(cli);
  addNotify(cli);
  addApprove(cli);
  addDoctor(cli);
  addConfig(cli);
  addInstall(cli);
  addCompletion(cli);
  inherit(program, help, t);
  // The arguments of each stand in its own help: here they would leave no room for what it does.
  program.configureHelp({
    ...help, subcommandTerm: (command) => command.name(),
    visibleCommands(command) { return grouped(Help.prototype.visibleCommands.call(this, command), lang); },
    // Groups in the order of what is shown, not in that in which commands were added.
    groupItems<T extends Command | Option>(_unsorted: T[], visible: T[], groupOf: (item: T) => string) { return new Help().groupItems(visible, visible, groupOf); },
  });
  return program;
}

/** Sub-commands speak the same language and share the help settings. */
function inherit(command: Command, help: Partial<Help>, t: Cli['t']): void {
  for (const sub of command.commands) {
    sub.configureHelp({ ...help, showGlobalOptions: true });
    sub.helpOption('-h, --help', t('显示帮助', 'show help'));
    if (sub.commands.length > 0) sub.helpCommand('help [command]', t('显示某个命令的帮助', 'show help for a command'));
    inherit(sub, help, t);
  }
}
