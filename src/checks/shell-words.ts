/** A shell line taken apart far enough to know which programs it starts. No shell is run and nothing is expanded. */

/** One simple command: its words, quotes taken off. */
export type Words = string[];

const commandsMax = 200;
const lineMax = 64 * 1024;

/** Simple commands of a line in order, those in `$( )`, backticks, `( )` and `{ }` too. Longer than 64 KiB is cut. */
export function commandsOf(line: string): Words[] {
  const text = line.length > lineMax ? line.slice(0, lineMax) : line;
  const commands: Words[] = [];
  let words: Words = [];
  let word: string | undefined;
  const endWord = (): void => { if (word !== undefined) words.push(word); word = undefined; };
  const endCommand = (): void => {
    endWord();
    if (words.length > 0 && commands.length < commandsMax) commands.push(words);
    words = [];
  };
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    switch (c) {
      case '\\': word = (word ?? '') + (text[++i] ?? ''); break;
      case "'": {
        const end = text.indexOf("'", i + 1);
        word = (word ?? '') + text.slice(i + 1, end < 0 ? text.length : end);
        i = end < 0 ? text.length : end;
        break;
      }
      case '"': {
        const { value, end } = doubleQuoted(text, i + 1);
        word = (word ?? '') + value;
        i = end;
        // What is substituted inside the quotes is run too.
        for (const inner of substitutions(value)) commands.push(...commandsOf(inner).slice(0, commandsMax - commands.length));
        break;
      }
      case ' ': case '\t': endWord(); break;
      case '#': if (word === undefined) { const end = text.indexOf('\n', i); i = end < 0 ? text.length : end - 1; } else word += c; break;
      case '$':
        if (text[i + 1] === '(') { endCommand(); i++; } else word = (word ?? '') + c;
        break;
      case '<': case '>': {
        // A redirection's target is no argument; `2>&1` and `>&` belong together.
        if (word !== undefined && /^\d+$/.test(word)) word = undefined;
        endWord();
        while (i + 1 < text.length && '<>&|'.includes(text[i + 1]!)) i++;
        if (text[i + 1] === '(') { endCommand(); i++; break; }
        while (text[i + 1] === ' ') i++;
        while (i + 1 < text.length && !' \t\n;|&()<>'.includes(text[i + 1]!)) i++;
        break;
      }
      case ';': case '|': case '&': case '\n': case '(': case ')': case '`': endCommand(); break;
      default: word = (word ?? '') + c;
    }
  }
  endCommand();
  return commands;
}

function doubleQuoted(text: string, from: number): { value: string; end: number } {
  let value = '';
  for (let i = from; i < text.length; i++) {
    if (text[i] === '"') return { value, end: i };
    if (text[i] === '\\' && i + 1 < text.length && '"\\$`'.includes(text[i + 1]!)) i++;
    value += text[i]!;
  }
  return { value, end: text.length };
}

function substitutions(value: string): string[] {
  return [...value.matchAll(/\$\(([^()]{1,4096})\)|`([^`]{1,4096})`/g)].map((found) => found[1] ?? found[2]!);
}

const assignment = /^[A-Za-z_][A-Za-z0-9_]*\+?=/;
const keywords = new Set(['if', 'then', 'else', 'elif', 'fi', 'while', 'until', 'do', 'done', 'for', 'case', 'esac', 'in', '{', '}', '!', 'time', 'function', 'select', 'coproc', '[[', ']]']);
/** Programs that start the program named behind their options; the number is how many plain arguments come first. */
const starters: Readonly<Record<string, number>> = {
  nohup: 0, sudo: 0, doas: 0, exec: 0, command: 0, builtin: 0, env: 0, setsid: 0, nice: 0, ionice: 0, chrt: 1, timeout: 1, stdbuf: 0, flock: 1, xargs: 0, time: 0, taskset: 1,
  runuser: 0, chroot: 1, unshare: 0, nsenter: 0, busybox: 0, 'systemd-run': 0, 'systemd-cat': 0, 'start-stop-daemon': 0, watch: 0, daemonize: 0, screen: 0, chpst: 0, 'run-one': 0,
};
/** Options of those that take the next word with them. */
const takesNext = /^-(?:[ugnpcCkshiaoeDGrRt]|-user|-group|-adjustment)$/;
export const interpreters = /^(?:sh|bash|dash|ash|zsh|ksh|mksh|fish|csh|tcsh|python[0-9.]*|perl[0-9.]*|ruby[0-9.]*|php[0-9.]*|node|nodejs|lua[0-9.]*|tclsh[0-9.]*|awk|gawk|mawk)$/;

export const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** What one simple command starts: the program itself and, for an interpreter, the script it is given. Assignments and starters such as nohup are passed over. */
export function programsOf(words: Words): string[] {
  let at = 0;
  for (; at < words.length; at++) {
    const word = words[at]!;
    if (keywords.has(word) || assignment.test(word)) continue;
    const name = baseName(word);
    const skip = starters[name];
    if (skip === undefined) break;
    const started = skipOptions(words, at + 1, skip);
    if (started >= words.length) break;
    at = started - 1;
  }
  const program = words[at];
  if (program === undefined) return [];
  const name = baseName(program);
  if (program === '.' || program === 'source') return words[at + 1] === undefined ? [] : [words[at + 1]!];
  if (!interpreters.test(name)) return [program];
  const script = words[skipOptions(words, at + 1, 0, /^-(?:c|e|r|m)$/)];
  return script === undefined || words.slice(at + 1).some((word) => /^-[a-z]*[cer]$/.test(word)) ? [program] : [program, script];
}

/** What an interpreter is given to run on the command line itself: `sh -c '…'`, `python -c '…'`. */
export function inlineCode(words: Words): string | undefined {
  const at = words.findIndex((word) => interpreters.test(baseName(word)));
  if (at < 0) return undefined;
  const option = words.findIndex((word, i) => i > at && /^-[a-z]*[cer]$/.test(word));
  return option < 0 ? undefined : words[option + 1];
}

function skipOptions(words: Words, from: number, plain: number, taking: RegExp = takesNext): number {
  let at = from;
  for (let left = plain; at < words.length; at++) {
    const word = words[at]!;
    if (word === '--') { at++; break; }
    if (word.startsWith('-') && word !== '-') { if (taking.test(word)) at++; continue; }
    if (assignment.test(word)) continue;
    if (left-- > 0) continue;
    break;
  }
  return at;
}
