/** The configuration of Apache taken apart: each directive with the sections around it, includes followed. */
import { attempt, linesIn, tellIncludes, tellRest } from './look.ts';
import { expand } from './expand.ts';
import type { ScanContext } from './port.ts';

export interface ApacheDirective { /** Lower case. */ name: string; args: readonly string[]; path: string; line: number; text: string; /** Sections around it, outermost first: `VirtualHost *:80`, `Directory /x`. */ inside: readonly string[] }

const apacheFiles = ['/etc/apache2/apache2.conf', '/etc/httpd/conf/httpd.conf', '/usr/local/apache2/conf/httpd.conf', '/usr/local/apache/conf/httpd.conf', '/www/server/apache/conf/httpd.conf'];

/** Thousands of sites fit; beyond, and deeper than any configuration goes, what is left is told as not looked at. */
const directivesMax = 200_000;
const filesMax = 20_000;
const depthMax = 16;
const blocksMax = 100;

export function readApache(context: ScanContext): ApacheDirective[] {
  const reading: Reading = { out: [], seen: new Set(), told: false };
  for (const path of apacheFiles) readInto(reading, context, path, path.replace(/(?:\/conf)?\/[^/]*$/, ''), [], 0);
  return reading.out;
}

/** `told`: that not all is followed. */
interface Reading { out: ApacheDirective[]; seen: Set<string>; told: boolean }

function readInto(reading: Reading, context: ScanContext, path: string, root: string, outer: readonly string[], depth: number): void {
  const { out, seen } = reading;
  const real = attempt(context, path, () => context.tree.real(path));
  if (real === undefined || seen.has(real)) return;
  if (depth > depthMax || seen.size >= filesMax || out.length >= directivesMax) { if (!reading.told) tellIncludes(context, path, filesMax); reading.told = true; return; }
  seen.add(real);
  const inside = [...outer];
  for (const { number, text } of linesIn(context, path, { joined: true })) {
    const bare = text.trim();
    if (bare.startsWith('</')) { inside.pop(); continue; }
    const args = [...bare.matchAll(/"([^"]*)"|([^\s"]+)/g)].map((part) => part[1] ?? part[2]!);
    const name = args.shift()?.toLowerCase() ?? '';
    if (name.startsWith('<')) { if (inside.length >= blocksMax) { tellRest(context, path, blocksMax); return; } inside.push(bare.replace(/^<|>$/g, '')); continue; }
    if (name === 'include' || name === 'includeoptional') {
      for (const pattern of args) for (const file of expand(context, pattern.startsWith('/') ? pattern : `${root}/${pattern}`)) {
        if (attempt(context, file, () => context.tree.stat(context.tree.real(file) ?? file))?.kind === 'file') readInto(reading, context, file, root, inside, depth + 1);
      }
      continue;
    }
    out.push({ name, args, path, line: number, text: bare, inside: [...inside] });
  }
}
