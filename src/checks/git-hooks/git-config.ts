/** Settings of git: `[section "name"]`, `key = value`, quotes and lines that go on. */

export interface GitSetting { /** `section.name.key`, section and key in small letters. */ name: string; value: string; line: number; text: string }

/** Ends in a backslash that no other stands before. */
const goesOn = /(?:^|[^\\])(?:\\\\)*\\$/;

/** All settings in order, however many: whoever reads the file bounds its bytes. */
export function readGitConfig(text: string): GitSetting[] {
  const settings: GitSetting[] = [];
  let section = '';
  const lines = text.split('\n');
  for (let i = 0; i < lines.length; i++) {
    const from = i;
    const parts = [lines[i]!.trim()];
    for (let last = parts[0]!; goesOn.test(last.slice(-50)) && i + 1 < lines.length; last = parts.at(-1)!) { parts[parts.length - 1] = last.slice(0, -1); parts.push(lines[++i]!); }
    let line = parts.join('');
    const head = /^\[([\w.-]{1,200})(?:\s+"((?:[^"\\]|\\.){0,1000})")?\]\s*/.exec(line);
    if (head) { section = head[1]!.toLowerCase() + (head[2] === undefined ? '' : `.${head[2].replaceAll(/\\(.)/g, '$1')}`); line = line.slice(head[0].length); }
    if (line === '' || line.startsWith('#') || line.startsWith(';')) continue;
    const found = /^([A-Za-z][\w-]*)\s*(?:=\s*(.*))?$/s.exec(line);
    if (found) settings.push({ name: `${section}.${found[1]!.toLowerCase()}`, value: valueOf(found[2] ?? 'true'), line: from + 1, text: line });
  }
  return settings;
}

/** Quotes taken off, escapes read, a comment cut off. */
function valueOf(raw: string): string {
  let value = '';
  let quoted = false;
  for (let i = 0; i < raw.length; i++) {
    const c = raw[i]!;
    if (c === '"') quoted = !quoted;
    else if (c === '\\') { const next = raw[++i] ?? ''; value += next === 'n' ? '\n' : next === 't' ? '\t' : next; }
    else if (!quoted && (c === '#' || c === ';')) break;
    else value += c;
  }
  return value.trim();
}
