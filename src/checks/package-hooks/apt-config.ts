/** The configuration language of apt: `A::B "value";`, `A { B "value"; };`, lists, comments. */

export interface AptSetting { name: string; value: string; line: number }

const depthMax = 32;

/** Settings with their whole names, in order. What cannot be understood is passed over. */
export function readAptConfig(text: string): AptSetting[] {
  const settings: AptSetting[] = [];
  const scope: string[] = [];
  let words: string[] = [];
  let value: string | undefined;
  let line = 1;
  let from = 1;
  const end = (): void => {
    const name = [...scope, ...words].join('::').replaceAll(/:{3,}/g, '::').replace(/:+$/, '');
    if (value !== undefined) settings.push({ name, value, line: from });
    words = [];
    value = undefined;
  };
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    switch (c) {
      case '\n': line++; break;
      case ' ': case '\t': case '\r': break;
      case '#': case '/': {
        if (c === '/' && text[i + 1] === '*') { const close = text.indexOf('*/', i + 2); const until = close < 0 ? text.length : close + 2; for (let at = i; at < until; at++) if (text[at] === '\n') line++; i = until - 1; break; }
        if (c === '#' || text[i + 1] === '/') { const close = text.indexOf('\n', i); i = close < 0 ? text.length : close - 1; break; }
        break;
      }
      case '"': {
        let quoted = '';
        if (words.length === 0 && value === undefined) from = line;
        for (i++; i < text.length && text[i] !== '"'; i++) { if (text[i] === '\n') line++; if (text[i] === '\\' && text[i + 1] === '"') i++;
          // apt reads line by line and joins what a quote spans.
          quoted += text[i] === '\n' ? ' ' : text[i]!; }
        value = (value ?? '') + quoted;
        break;
      }
      case '{': if (scope.length < depthMax) scope.push(words.join('::').replace(/:+$/, '')); words = []; value = undefined; break;
      case '}': end(); scope.pop(); break;
      case ';': end(); break;
      default: {
        let until = i + 1;
        while (until < text.length && !' \t\r\n;{}"'.includes(text[until]!)) until++;
        if (words.length === 0) from = line;
        // A second word without quotes is the value.
        if (words.length > 0) value = text.slice(i, until);
        else words.push(text.slice(i, until));
        i = until - 1;
      }
    }
  }
  return settings;
}
