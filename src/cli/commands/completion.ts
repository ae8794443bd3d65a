import type { Command } from 'commander';
import type { Cli } from '../program.ts';

const shells = ['bash', 'zsh', 'fish'] as const;

export function addCompletion({ program, t }: Cli): void {
  program.command('completion')
    .argument('<shell>', shells.join(', '))
    .description(t('打印 shell 补全脚本，例如 moat completion bash > /etc/bash_completion.d/moat', 'print a completion script, such as: moat completion bash > /etc/bash_completion.d/moat'))
    .action((shell: string) => {
      const words = wordsOf(program);
      switch (shell) {
        case 'bash': process.stdout.write(bash(words)); break;
        case 'zsh': process.stdout.write(zsh(words)); break;
        case 'fish': process.stdout.write(fish(words)); break;
        default: program.error(t(`error: 不认识的 shell：${shell}（可用 ${shells.join('、')}）`, `error: expected one of ${shells.join(', ')}, got ${shell}`), { exitCode: 2 });
      }
    });
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

/** The path is what has been typed so far without options; files are offered when no word fits. */
const bash = (words: readonly Words[]): string => `# moat completion for bash
_moat() {
  local current="\${COMP_WORDS[COMP_CWORD]}" path='' word words=''
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) path="\${path:+$path }$word" ;; esac
  done
  case "$path" in
${cases(words)}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _moat moat
`;

// In zsh `path` and `words` are special, so other names are used.
const zsh = (words: readonly Words[]): string => `#compdef moat
_moat() {
  local at='' one='' candidates=''
  for one in "\${(@)words[2,CURRENT-1]}"; do
    case "$one" in -*) ;; *) at="\${at:+$at }$one" ;; esac
  done
  case "$at" in
${cases(words).replaceAll("words='", "candidates='")}
  esac
  compadd -- \${=candidates} || _files
}
compdef _moat moat
`;

const quote = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

const fish = (words: readonly Words[]): string => `# moat completion for fish
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
`;
