/** Commands that settings of programs hold which people start themselves: editors, the command line, tmux and screen. */

const lineCommandsMax = 20;

/** Texts of a line that such a program hands to a shell; `path` says whose settings they are. */
export function commandsIn(path: string, line: string): string[] {
  const out: string[] = [];
  const add = (text: string | undefined): void => { if (text !== undefined && text.trim() !== '' && out.length < lineCommandsMax) out.push(text.trim()); };
  const all = (pattern: RegExp, groups: readonly number[]): void => { for (const found of line.matchAll(pattern)) add(groups.map((group) => found[group]).find((one) => one !== undefined)); };
  if (path.endsWith('inputrc')) {
    // What a key types for you, the keys that move in the line taken out.
    for (const found of line.matchAll(/:\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')/g)) add((found[1] ?? found[2]!).replaceAll(/\\C-?[mjMJ]|\\[nr]/g, '\n').replaceAll(/\\(?:C|M|e)-?\S?/g, ' ').replaceAll(/\\(["'\\])/g, '$1'));
    return out;
  }
  if (path.endsWith('screenrc')) {
    const found = /^\s*(?:exec\s+(?:[.!:|]+\s+)?|screen\s+(?:-\S+\s+)*(?:\d+\s+)?|backtick\s+\S+\s+\S+\s+\S+\s+)(.+)$/.exec(line);
    add(found?.[1]);
    return out;
  }
  if (path.endsWith('tmux.conf')) {
    all(/(?:^|[;{\s'"])(?:run-shell|run|if-shell|if|pipe-pane|new-session|new-window|respawn-pane|split-window|popup|display-popup|default-command)(?:\s+-[a-zA-Z]+(?:\s+\d+)?)*\s+(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([^\s"'][^;]*))/g, [1, 2, 3]);
    all(/#\(([^)]+)\)/g, [1]);
    return out;
  }
  // vi, vim, neovim (also in Lua) and Emacs: a comment of theirs is none of ours.
  if (/^\s*(?:"|--|;)/.test(line)) return out;
  const emacs = /(?:\.el|emacs)$/.test(path);
  all(emacs ? /\((?:shell-command|async-shell-command|shell-command-to-string|call-process-shell-command|start-process-shell-command(?:\s+"[^"]*"){2})\s+"((?:[^"\\]|\\.)*)"/g : /\b(?:system(?:list)?|jobstart|job_start|termopen|term_start|execute|popen)\s*\(\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^']|'')*)'|\[\[(.*?)\]\])/g, [1, 2, 3]);
  // A list of words: `jobstart({"sh", "-c", "…"})`, `(start-process "n" nil "sh" "-c" "…")`.
  all(emacs ? /"-\w*c"\s+"((?:[^"\\]|\\.)*)"/g : /["']-\w*c["']\s*,\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^']|'')*)')/g, [1, 2]);
  // `!command`, as a command of its own or behind autocmd and map.
  if (!emacs) add(/(?:^|[\s:|>])(?:silent!?\s+|sil!?\s+|:)*(?:r(?:ead)?\s*|w(?:rite)?\s+|term(?:inal)?\s+)?!\s*([^\s=].*)$/.exec(line)?.[1]?.replace(/<CR>.*$/i, '').replaceAll(/(^|\s)%(?=\s|$)/g, '$1"$FILE"'));
  return out;
}
