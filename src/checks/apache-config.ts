/** The configuration of Apache taken apart: each directive with the sections around it, includes followed. */
import { attempt, linesOf, readText } from './look.ts';
import { expand } from './expand.ts';
import type { ScanContext } from './port.ts';

export interface ApacheDirective { /** Lower case. */ name: string; args: readonly string[]; path: string; line: number; text: string; /** Sections around it, outermost first: `VirtualHost *:80`, `Directory /x`. */ inside: readonly string[] }

const apacheFiles = ['/etc/apache2/apache2.conf', '/etc/httpd/conf/httpd.conf', '/usr/local/apache2/conf/httpd.conf', '/usr/local/apache/conf/httpd.conf', '/www/server/apache/conf/httpd.conf'];

const directivesMax = 50_000;
const depthMax = 8;

export function readApache(context: ScanContext): ApacheDirective[] {
  const out: ApacheDirective[] = [];
  const seen = new Set<string>();
  for (const path of apacheFiles) readInto(out, seen, context, path, path.replace(/(?:\/conf)?\/[^/]*$/, ''), [], 0);
  return out;
}

function readInto(out: ApacheDirective[], seen: Set<string>, context: ScanContext, path: string, root: string, outer: readonly string[], depth: number): void {
  const real = attempt(context, path, () => context.tree.real(path));
  if (real === undefined || seen.has(real)) return;
  if (depth > depthMax || seen.size > 2000) { context.count('web server configuration included too deep or too often'); return; }
  seen.add(real);
  const inside = [...outer];
  for (const { number, text } of linesOf(readText(context, path) ?? '', { joined: true, count: (what) => { context.count(what); } })) {
    const bare = text.trim();
    if (bare.startsWith('</')) { inside.pop(); continue; }
    const args = [...bare.matchAll(/"([^"]*)"|([^\s"]+)/g)].slice(0, 100).map((part) => part[1] ?? part[2]!);
    const name = args.shift()?.toLowerCase() ?? '';
    if (name.startsWith('<')) { if (inside.length < 50) inside.push(bare.replace(/^<|>$/g, '')); continue; }
    if (name === 'include' || name === 'includeoptional') {
      for (const pattern of args) for (const file of expand(context, pattern.startsWith('/') ? pattern : `${root}/${pattern}`)) {
        if (attempt(context, file, () => context.tree.stat(context.tree.real(file) ?? file))?.kind === 'file') readInto(out, seen, context, file, root, inside, depth + 1);
      }
      continue;
    }
    if (out.length < directivesMax) out.push({ name, args, path, line: number, text: bare, inside: [...inside] });
    else context.count('web server directives beyond the limit');
  }
}
