/** The `moat` command: every sub-command in its own file, help in two languages. */
import { existsSync } from 'node:fs';
import { Command, Help, type Option } from 'commander';
import type { Lang, Text } from '../core/text.ts';
import { duration, spell } from './duration.ts';
import { globals } from './globals.ts';
import { grouped } from './groups.ts';
import { remotesPath } from './remote/place.ts';
import { chooseLang } from './terminal.ts';

/** What every command is handed. */
export interface Cli {
  program: Command;
  lang: Lang;
  /** Picks the language. */
  t: (zh: string, en: string) => string;
}

/** Each file of commands with the names it adds: a command line that begins with one of them loads that file alone and starts in half the time. */
const files: readonly { names: readonly string[]; load: () => Promise<(cli: Cli) => void> }[] = [
  { names: ['up'], load: async () => (await import('./commands/up.ts')).addUp },
  { names: ['status'], load: async () => (await import('./commands/status.ts')).addStatus },
  { names: ['scan'], load: async () => (await import('./commands/scan.ts')).addScan },
  { names: ['fix'], load: async () => (await import('./commands/fix.ts')).addFix },
  { names: ['baseline'], load: async () => (await import('./commands/baseline.ts')).addBaseline },
  { names: ['alerts'], load: async () => (await import('./commands/alerts.ts')).addAlerts },
  { names: ['incident'], load: async () => (await import('./commands/incident.ts')).addIncident },
  { names: ['evidence'], load: async () => (await import('./commands/evidence.ts')).addEvidence },
  { names: ['stats'], load: async () => (await import('./commands/stats.ts')).addStats },
  { names: ['origin'], load: async () => (await import('./commands/origin.ts')).addOrigin },
  { names: ['playbook'], load: async () => (await import('./commands/playbook.ts')).addPlaybook },
  { names: ['ps'], load: async () => (await import('./commands/ps.ts')).addPs },
  { names: ['replay'], load: async () => (await import('./commands/replay.ts')).addReplay },
  { names: ['rules'], load: async () => (await import('./commands/rules.ts')).addRules },
  { names: ['query', 'hunt'], load: async () => (await import('./commands/query.ts')).addQuery },
  { names: ['hands'], load: async () => (await import('./commands/hands.ts')).addHands },
  { names: ['intel'], load: async () => (await import('./commands/intel.ts')).addIntel },
  { names: ['block', 'unblock', 'blocklist', 'actions', 'undo', 'pause', 'resume', 'audit'], load: async () => (await import('./commands/response.ts')).addResponse },
  { names: ['quarantine', 'restore', 'remove-line'], load: async () => (await import('./commands/quarantine.ts')).addQuarantine },
  { names: ['restore-file', 'set', 'change-mode', 'deny-file', 'cloud-step', 'confirm'], load: async () => (await import('./commands/steps.ts')).addSteps },
  { names: ['kill', 'freeze', 'thaw'], load: async () => (await import('./commands/processes.ts')).addProcesses },
  { names: ['isolate', 'release', 'limit', 'close-port', 'firewall'], load: async () => (await import('./commands/network.ts')).addNetwork },
  { names: ['grant', 'grants'], load: async () => (await import('./commands/grant.ts')).addGrant },
  { names: ['stop-unit', 'lock', 'end-sessions', 'unload', 'stop-container'], load: async () => (await import('./commands/system.ts')).addSystem },
  { names: ['deny'], load: async () => (await import('./commands/deny.ts')).addDeny },
  { names: ['server'], load: async () => (await import('./commands/server.ts')).addServer },
  { names: ['remote'], load: async () => (await import('./commands/remote.ts')).addRemote },
  { names: ['allow', 'listeners', 'findings'], load: async () => (await import('./commands/look.ts')).addLook },
  { names: ['notify'], load: async () => (await import('./commands/notify.ts')).addNotify },
  { names: ['approve', 'reject'], load: async () => (await import('./commands/approve.ts')).addApprove },
  { names: ['doctor'], load: async () => (await import('./commands/doctor.ts')).addDoctor },
  { names: ['config'], load: async () => (await import('./commands/config.ts')).addConfig },
  { names: ['install', 'uninstall'], load: async () => (await import('./commands/install.ts')).addInstall },
  { names: ['completion'], load: async () => (await import('./commands/completion.ts')).addCompletion },
];

/** Global options that take a word after them. */
const withWord = new Set(['--lang', '--config', '--data', '--remote']);

/** The command that a command line names; undefined where it names none, or asks for something before it. */
function commandOf(argv: readonly string[]): string | undefined {
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!;
    if (!word.startsWith('-')) return word;
    if (withWord.has(word)) i++;
    else if (![...withWord].some((option) => word.startsWith(`${option}=`))) return undefined;
  }
  return undefined;
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

/** With the command that `argv` names; with all of them where it names none that there is: help, completion, a name that is not known. */
export async function buildProgram(argv: readonly string[], version: string): Promise<Command> {
  const lang = langOf(argv);
  const t = (zh: string, en: string) => (lang === 'zh' ? zh : en);
  const program = new Command('moat');
  const cli: Cli = { program, lang, t };
  const help: Partial<Help> = {
    styleTitle: (title) => titles[title]?.[lang] ?? title,
    optionDescription({ description, argChoices, defaultValue, defaultValueDescription, required, optional, parseArg }) {
      const hasDefault = (required || optional) && defaultValue !== undefined && !(Array.isArray(defaultValue) && defaultValue.length === 0);
      const text = defaultValueDescription ?? (parseArg === duration ? spell(Number(defaultValue)) : String(defaultValue));
      const more = [...(argChoices ? [argChoices.join(', ')] : []), ...(hasDefault ? [t(`默认 ${text}`, `default: ${text}`)] : [])].join(t('；', '; '));
      return more === '' ? description : `${description}${t(`（${more}）`, ` (${more})`)}`;
    },
  };
  program
    .description(t('护城河：守护 Linux 云服务器——发现、看清、阻断、清理入侵。', 'Moat protects Linux cloud servers: it detects, explains, contains and cleans up intrusions.'))
    .configureHelp(help)
    // The console takes no notice of a reader that has gone (| head).
    .configureOutput({ writeOut(text) { console.log(text.replace(/\n$/, '')); } })
    .helpOption('-h, --help', t('显示帮助', 'show help'))
    .helpCommand('help [command]', t('显示某个命令的帮助', 'show help for a command'))
    .version(version, '-V, --version', t('显示版本', 'show the version'))
    .option('--lang <zh|en>', t('界面语言（默认跟随系统）', 'language (default: the locale)'))
    .option('--config <file>', t('配置文件（或环境变量 MOAT_CONFIG）', 'configuration file (or MOAT_CONFIG in the environment)'))
    .option('--data <dir>', t('数据目录（或环境变量 MOAT_DATA）', 'data folder (or MOAT_DATA in the environment)'))
    .option('--remote <name|url|local>', t('对另一台机器上的 Moat 执行（moat remote add；或环境变量 MOAT_REMOTE）', 'for the Moat of another machine (moat remote add; or MOAT_REMOTE in the environment)'))
    .showHelpAfterError(t('（加 --help 查看用法）', '(add --help for usage)'))
    .showSuggestionAfterError();
  const named = commandOf(argv);
  // Completion speaks of all.
  const one = files.filter(({ names }) => named !== undefined && named !== 'completion' && names.includes(named));
  for (const add of await Promise.all((one.length > 0 ? one : files).map(({ load }) => load()))) add(cli);
  inherit(program, help, t);
  program.hook('preAction', async (_, command) => {
    // Most command lines are for this machine: they need not load what is for others.
    const words = wordsOf(command);
    if (globals(program).remote !== undefined || process.env['MOAT_REMOTE'] || existsSync(remotesPath())) await (await import('./commands/remote.ts')).guardRemote(cli, words);
  });
  // The arguments of each stand in its own help: here they would leave no room for what it does.
  program.configureHelp({
    ...help, subcommandTerm: (command) => command.name(),
    visibleCommands(command) { return grouped(Help.prototype.visibleCommands.call(this, command), lang); },
    // Groups in the order of what is shown, not in that in which commands were added.
    groupItems<T extends Command | Option>(_unsorted: T[], visible: T[], groupOf: (item: T) => string) { return new Help().groupItems(visible, visible, groupOf); },
  });
  return program;
}

/** The command as it was typed, without the program: `alerts show`. */
function wordsOf(command: Command): string[] { return command.parent === null ? [] : [...wordsOf(command.parent), command.name()]; }

/** Sub-commands speak the same language and share the help settings. */
function inherit(command: Command, help: Partial<Help>, t: Cli['t']): void {
  for (const sub of command.commands) {
    sub.configureHelp({ ...help, showGlobalOptions: true });
    sub.helpOption('-h, --help', t('显示帮助', 'show help'));
    if (sub.commands.length > 0) sub.helpCommand('help [command]', t('显示某个命令的帮助', 'show help for a command'));
    inherit(sub, help, t);
  }
}
