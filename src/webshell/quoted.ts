/**
 * JSON that quotes PHP: what compilers and test tools keep. A JSON text can be a page of PHP as well, so only what no PHP takes is called
 * quoted: PHP compiles a file as a whole before it runs any of it, and `\"` where code is expected is an error in each of its versions.
 */

/** Ways to open or end code that depend on settings or versions, or code whose ends are not looked for here. */
const unsure = /<\?(?!php\s|=)|<%|<script\s|__halt_compiler|<<</i;

/** The file is JSON as a whole, and PHP stops at its first quoted page without running anything. */
export function isQuotedInJson(text: string): boolean {
  if (unsure.test(text) || !/^\s*[[{]/.test(text)) return false;
  try {
    JSON.parse(text);
  } catch { return false; /* no JSON */ }
  return hasEscapedQuote(text);
}

/** Does `\"` stand in code, outside of its texts and comments? */
function hasEscapedQuote(text: string): boolean {
  const opening = /<\?(?:php\s|=)/gi;
  for (let open = opening.exec(text); open; open = opening.exec(text)) {
    let at = opening.lastIndex;
    while (at < text.length && !text.startsWith('?>', at)) {
      const c = text[at]!;
      if (c === '\\' && text[at + 1] === '"') return true;
      // The text of the JSON ends in the middle of the code: what follows may be a text of PHP.
      if (c === '"') return false;
      if (c === "'" || c === '`') at = endOfText(text, at, c);
      else if (text.startsWith('/*', at)) at = endOf(text, '*/', at + 2);
      else if (c === '#' || text.startsWith('//', at)) at = endOfLine(text, at);
      else at++;
    }
    opening.lastIndex = at;
  }
  return false;
}

const endOf = (text: string, what: string, from: number): number => { const at = text.indexOf(what, from); return at < 0 ? text.length : at + what.length; };

function endOfText(text: string, from: number, quote: string): number {
  for (let at = from + 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === quote) return at + 1;
  }
  return text.length;
}

/** `?>` ends a comment too. */
function endOfLine(text: string, from: number): number {
  const ends = /\?>|[\r\n]/g;
  ends.lastIndex = from;
  return ends.exec(text)?.index ?? text.length;
}
