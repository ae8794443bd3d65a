/** Pages: their markup, and each script in them. */
import { htmlEntities } from './decode.ts';
import { defaultLimits, LimitError, Lines, type Analysis, type Limits, type Sign } from './sign.ts';
import { blank, bounded, result } from './code/read.ts';
import { analyseScript } from './node.ts';
import { pageLures } from './lures.ts';
import { hostOf, pageSigns, say, tagsOf, unusual, type Tag } from './page.ts';

const scriptsMax = 200;

export function analyse(source: string, limits: Limits = defaultLimits): Analysis {
  const cut: string[] = [];
  const text = bounded(source, limits, cut);
  const tags = tagsOf(text);
  const signs: Sign[] = pageSigns(text, 0, tags);
  const lines = new Lines(text);
  const links = tags.flatMap((tag) => (tag.name === 'a' && !tag.close && /download|\.(?:exe|msi|zip|iso|scr|apk|hta|vbs|js|dmg|pkg|bat)\b/i.test(text.slice(tag.at, tag.end)) ? [{ at: tag.at, address: tag.attributes.get('href') ?? '' }] : []));
  for (const { at, level } of pageLures(text, links)) signs.push(say('', lines, at, level));
  const picture = tags.find(({ name }) => name !== 'xml')?.name === 'svg';
  let handlers = 0;
  let read = 0;
  let lower: string | undefined;
  for (const tag of tags) {
    if (tag.close) continue;
    if (tag.name !== 'script') {
      if (handlers >= handlersMax || !mayDecode.test(text.slice(tag.at, Math.min(tag.end, tag.at + tagMax)))) continue;
      handlers++;
      for (const code of handlersOf(tag)) signs.push(...readScript(code, limits, cut).map((sign) => ({ ...sign, sink: lines.at(tag.at) })));
      continue;
    }
    const type = tag.attributes.get('type') ?? '';
    if (type !== '' && !/javascript|ecmascript|module|^text$/i.test(type)) continue;
    const end = (lower ??= text.toLowerCase()).indexOf('</script', tag.end);
    const to = end < 0 ? text.length : end;
    if (to - tag.end < 20) continue;
    if (++read > scriptsMax) { cut.push('scripts beyond the limit'); break; }
    const script = text.slice(tag.end, to).replace(/^\s*<!--/, '    ').replace(/<!\[CDATA\[|\]\]>/g, blank);
    signs.push(...readScript(script, limits, cut).map((sign) => ({ ...sign, sink: { ...sign.sink, line: sign.sink.line + lineOf(text, tag.end) - 1 } })));
    // A picture has no reason to lead elsewhere.
    const away = picture ? /location(?:\.href|\.replace|\.assign)?\s{0,3}[=(]\s{0,3}['"`]((?:https?:)?\/\/[^'"`\s]{3,200})/i.exec(script) : null;
    const host = away && hostOf(away[1]!);
    const veiled = picture && away === null ? /(?:\blocation(?:\.\w{3,8})?\s{0,3}[=(])(?!=)/.exec(script) : null;
    if (veiled && /\batob\b|fromCharCode|unescape|decodeURIComponent|charCodeAt/.test(script)) signs.push(say(veiled[0], lines, tag.end + veiled.index, 'high'));
    if (away && host !== null && host !== undefined && unusual(host)) signs.push(say(away[0], lines, tag.end + away.index, 'high', host));
  }
  return result(signs.slice(0, 20), cut);
}

function readScript(script: string, limits: Limits, cut: string[]): Sign[] {
  try {
    return analyseScript(script, limits, cut);
  } catch (error) {
    if (!(error instanceof LimitError || error instanceof RangeError)) throw error;
    cut.push(error.message);
    return [];
  }
}

const handlersMax = 200;
/** Of a tag that is looked through for what decodes. */
const tagMax = 4000;
/** Attributes that run what they hold, when it is worth a look: what they do openly is short and of no harm. */
const mayDecode = /\bon\w{3,20}\s{0,3}=[^>]*(?:\beval\b|\batob\b|fromCharCode|unescape|createElement|Function)|javascript:[^>]*(?:\beval\b|\batob\b|fromCharCode|unescape)/i;
const handlersOf = ({ attributes }: Tag): string[] => Array.from(attributes).flatMap(([name, value]) => (/^on[a-z]{3,20}$/.test(name) ? [htmlEntities(value)] : /^\s*javascript:/i.test(value) ? [htmlEntities(value).replace(/^\s*javascript:/i, '')] : []));

function lineOf(text: string, at: number): number {
  let line = 1;
  for (let found = text.indexOf('\n'); found >= 0 && found < at; found = text.indexOf('\n', found + 1)) line++;
  return line;
}
