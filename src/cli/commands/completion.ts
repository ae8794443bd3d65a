import type { Command } from 'commander';
import { levels } from '../../core/level.ts';
import { groups, memoryKinds } from '../../evidence/collect/groups.ts';
import type { Cli } from '../program.ts';
import { exportFormats, reportFormats } from './incident-report.ts';
import { tlps } from '../../report/stix.ts';

const shells = ['bash', 'zsh', 'fish'] as const;

export function addCompletion({ program, t }: Cli): void {
  program.command('completion')
    .argument('<shell>', shells.join(', '))
    .description(t('打印 shell 补全脚本，例如 moat completion bash > /etc/bash_completion.d/moat', 'print a completion script, such as: moat completion bash > /etc/bash_completion.d/moat'))
    .action(async (shell: string) => {
      const words = wordsOf(program);
      const values = await valuesOf();
      switch (shell) {
        case 'bash': process.stdout.write(bash(words, values)); break;
        case 'zsh': process.stdout.write(zsh(words, values)); break;
        case 'fish': process.stdout.write(fish(words, values)); break;
        default: program.error(t(`error: 不认识的 shell：${shell}（可用 ${shells.join('、')}）`, `error: expected one of ${shells.join(', ')}, got ${shell}`), { exitCode: 2 });
      }
    });
}

/** What may follow an option; `list`: several, separated by commas. */
interface Values { path: string; option: string; values: readonly string[]; list?: boolean }

/** The checks are loaded only for this. */
async function valuesOf(): Promise<Values[]> {
  const { checks } = await import('../../checks/catalogue.ts');
  const names = [...new Set(checks.flatMap(({ id, group }) => [id, group]))].sort();
  return [
    { path: 'scan', option: '--only', values: names, list: true }, { path: 'scan', option: '--skip', values: names, list: true },
    { path: 'scan', option: '--fail-on', values: levels }, { path: 'scan', option: '--profile', values: ['quick', 'full'] },
    { path: 'alerts list', option: '--level', values: levels }, { path: 'incident list', option: '--level', values: levels }, { path: 'incident grade', option: '--level', values: levels }, { path: 'incident grade', option: '--grade', values: ['1', '2', '3'] },
    { path: 'incident report', option: '--format', values: reportFormats }, { path: 'incident export', option: '--format', values: exportFormats }, { path: 'incident export', option: '--tlp', values: tlps },
    { path: 'incident evidence', option: '--memory', values: memoryKinds }, { path: 'incident evidence', option: '--only', values: groups, list: true },
  ];
}

interface Words { path: string; words: { name: string; text: string }[] }

/** For each command path (`rules check`) the sub-commands and options that may follow. */
function wordsOf(command: Command, path: string[] = []): Words[] {
  const help = command.createHelp();
  const subs = help.visibleCommands(command).map((sub) => ({ name: sub.name(), text: sub.description() }));
  const options = [...help.visibleOptions(command), ...help.visibleGlobalOptions(command)].flatMap((option) => (option.long ? [{ name: option.long, text: option.description }] : []));
  return [{ path: path.join(' '), words: [...subs, ...options] }, ...command.commands.flatMap((sub) => wordsOf(sub, [...path, sub.name()]))];
}

const cases = (words: readonly Words[]): string => words.map(({ path, words: next }) => `    '${path}') words='${next.map((w) => w.name).join(' ')}' ;;`).join('\n');

const valueCases = (values: readonly Values[], set: string): string => values.map(({ path, option, values: next }) => `    '${path} ${option}') ${set}='${next.join(' ')}' ;;`).join('\n');

/** The path is what has been typed so far without options; files are offered when no word fits. In a list separated by commas the last one is completed. */
const bash = (words: readonly Words[], values: readonly Values[]): string => `# moat completion for bash
_moat() {
  local current="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" path='' word words='' values='' head=''
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) path="\${path:+$path }$word" ;; esac
  done
  case "$path $before" in
${valueCases(values, 'values')}
  esac
  if [ -n "$values" ]; then
    case "$current" in *,*) head="\${current%,*}," ;; esac
    COMPREPLY=($(compgen -P "$head" -W "$values" -- "\${current##*,}"))
    return
  fi
  case "$path" in
${cases(words)}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _moat moat
`;

// In zsh `path` and `words` are special, so other names are used.
const zsh = (words: readonly Words[], values: readonly Values[]): string => `#compdef moat
_moat() {
  local at='' one='' candidates=''
  for one in "\${(@)words[2,CURRENT-1]}"; do
    case "$one" in -*) ;; *) at="\${at:+$at }$one" ;; esac
  done
  case "$at \${words[CURRENT-1]}" in
${valueCases(values, 'candidates')}
  esac
  if [[ -n "$candidates" ]]; then
    compset -P '*,'
    compadd -- \${=candidates}
    return
  fi
  case "$at" in
${cases(words).replaceAll("words='", "candidates='")}
  esac
  compadd -- \${=candidates} || _files
}
compdef _moat moat
`;

const quote = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

const fish = (words: readonly Words[], values: readonly Values[]): string => `# moat completion for fish
function __moat_at
  set -l path
  for word in (commandline -opc)[2..-1]
    string match -q -- '-*' $word; or set path $path $word
  end
  test "$path" = "$argv"
end
${words.flatMap(({ path, words: next }) => next.map(({ name, text }) => {
    const condition = `-n ${quote(`__moat_at ${path}`.trim())}`;
    return name.startsWith('--') ? `complete -c moat ${condition} -l ${name.slice(2)} -d ${quote(text)}` : `complete -c moat ${condition} -a ${name} -d ${quote(text)}`;
  })).join('\n')}
${values.map(({ path, option, values: next, list }) => `complete -c moat -n ${quote(`__moat_at ${path}`)} -l ${option.slice(2)} -x -a ${quote(list ? `(__fish_append , ${next.join(' ')})` : next.join(' '))}`).join('\n')}
`;
