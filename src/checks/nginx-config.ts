/** The configuration of nginx taken apart: each directive with the blocks around it, includes followed. */
import { attempt, readText, tellIncludes, tellRest } from './look.ts';
import { expand } from './expand.ts';
import type { ScanContext } from './port.ts';

export interface NginxDirective { name: string; args: readonly string[]; path: string; line: number; /** Blocks around it with their arguments, outermost first: `http`, `server`, `location /x`. */ inside: readonly string[] }

const nginxFiles = ['/etc/nginx/nginx.conf', '/usr/local/nginx/conf/nginx.conf', '/usr/local/openresty/nginx/conf/nginx.conf', '/www/server/nginx/conf/nginx.conf', '/opt/nginx/conf/nginx.conf', '/opt/1panel/apps/openresty/openresty/conf/nginx.conf', '/etc/tengine/nginx.conf'];

/** Thousands of sites fit; beyond, and deeper than any configuration goes, what is left is told as not looked at. */
const directivesMax = 200_000;
const filesMax = 20_000;
const depthMax = 16;
const blocksMax = 100;

export function readNginx(context: ScanContext): NginxDirective[] {
  const reading: Reading = { out: [], seen: new Set(), told: false };
  for (const path of nginxFiles) readInto(reading, context, path, path.slice(0, path.lastIndexOf('/')), [], 0);
  return reading.out;
}

/** `told`: that not all is followed. */
interface Reading { out: NginxDirective[]; seen: Set<string>; told: boolean }

function readInto(reading: Reading, context: ScanContext, path: string, base: string, outer: readonly string[], depth: number): void {
  const { out, seen } = reading;
  const real = attempt(context, path, () => context.tree.real(path));
  if (real === undefined || seen.has(`${real}\0${outer.join('\0')}`)) return;
  if (depth > depthMax || seen.size >= filesMax || out.length >= directivesMax) { if (!reading.told) tellIncludes(context, path, filesMax); reading.told = true; return; }
  seen.add(`${real}\0${outer.join('\0')}`);
  const text = readText(context, path);
  if (text === undefined) return;
  const inside = [...outer];
  let words: string[] = [];
  let line = 1;
  let from = 1;
  const end = (): void => {
    const [name, ...args] = words;
    words = [];
    if (name === undefined) return;
    if (name === 'include') { for (const pattern of args) for (const file of expand(context, pattern.startsWith('/') ? pattern : `${base}/${pattern}`)) readInto(reading, context, file, base, inside, depth + 1); return; }
    out.push({ name, args, path, line: from, inside: [...inside] });
  };
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (c === '\n') { line++; continue; }
    if (c === ' ' || c === '\t' || c === '\r') continue;
    if (c === '#') { const stop = text.indexOf('\n', i); i = (stop < 0 ? text.length : stop) - 1; continue; }
    if (c === ';') { end(); continue; }
    if (c === '{' && words[0]?.endsWith('_by_lua_block')) { // no directives, a program
      const stop = closing(text, i);
      words.push(text.slice(i + 1, stop));
      end();
      for (let at = text.indexOf('\n', i); at >= 0 && at < stop; at = text.indexOf('\n', at + 1)) line++;
      i = stop;
      continue;
    }
    if (c === '{') { if (inside.length >= blocksMax) { tellRest(context, path, blocksMax); return; } inside.push(words.join(' ')); words = []; continue; }
    if (c === '}') { inside.pop(); words = []; continue; }
    if (words.length === 0) from = line;
    let word = '';
    if (c === '"' || c === '\'') {
      const stop = text.indexOf(c, i + 1);
      word = text.slice(i + 1, stop < 0 ? text.length : stop);
      for (let at = word.indexOf('\n'); at >= 0; at = word.indexOf('\n', at + 1)) line++;
      i = stop < 0 ? text.length : stop;
    } else {
      let stop = i;
      // ${name} belongs to the word.
      for (let braced = false; stop < text.length && !' \t\r\n;'.includes(text[stop]!); stop++) {
        if (text[stop] === '{') { if (text[stop - 1] !== '$') break; braced = true; }
        if (text[stop] === '}') { if (!braced) break; braced = false; }
      }
      word = text.slice(i, stop);
      i = stop - 1;
    }
    words.push(word);
  }
}

/** Where the block of Lua ends that begins at `open`: the brace of its own, those in texts and comments aside. */
function closing(text: string, open: number): number {
  let depth = 0;
  for (let i = open; i < text.length; i++) {
    const c = text[i]!;
    if (c === '-' && text[i + 1] === '-') { const stop = text.indexOf('\n', i); if (stop < 0) return text.length; i = stop; continue; }
    if (c === '"' || c === "'") {
      for (i++; i < text.length && text[i] !== c && text[i] !== '\n'; i++) if (text[i] === '\\') i++;
      continue;
    }
    if (c === '{') depth++;
    else if (c === '}' && --depth === 0) return i;
  }
  return text.length;
}
