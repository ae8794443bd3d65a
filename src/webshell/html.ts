/** Pages: their markup, and each script in them. */
import { defaultLimits, LimitError, type Analysis, type Limits, type Sign } from './sign.ts';
import { bounded, result } from './code/read.ts';
import { analyseScript } from './node.ts';
import { pageSigns, tagsOf } from './page.ts';

const scriptsMax = 200;

export function analyse(source: string, limits: Limits = defaultLimits): Analysis {
  const cut: string[] = [];
  const text = bounded(source, limits, cut);
  const tags = tagsOf(text);
  const signs: Sign[] = pageSigns(text, 0, tags);
  let read = 0;
  let lower: string | undefined;
  for (const tag of tags) {
    if (tag.name !== 'script' || tag.close) continue;
    const type = tag.attributes.get('type') ?? '';
    if (type !== '' && !/javascript|ecmascript|module|^text$/i.test(type)) continue;
    const end = (lower ??= text.toLowerCase()).indexOf('</script', tag.end);
    const to = end < 0 ? text.length : end;
    if (to - tag.end < 20) continue;
    if (++read > scriptsMax) { cut.push('scripts beyond the limit'); break; }
    try {
      signs.push(...analyseScript(text.slice(tag.end, to).replace(/^\s*<!--/, '    '), limits, cut).map((sign) => ({ ...sign, sink: { ...sign.sink, line: sign.sink.line + lineOf(text, tag.end) - 1 } })));
    } catch (error) {
      if (!(error instanceof LimitError || error instanceof RangeError)) throw error;
      cut.push(error.message);
    }
  }
  return result(signs.slice(0, 20), cut);
}

function lineOf(text: string, at: number): number {
  let line = 1;
  for (let found = text.indexOf('\n'); found >= 0 && found < at; found = text.indexOf('\n', found + 1)) line++;
  return line;
}
