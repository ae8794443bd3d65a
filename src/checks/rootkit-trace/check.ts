/** Traces of known rootkits: their files, modules, processes and entries of /proc, by the table in signatures/rootkits.yml. */
import { parse } from 'yaml';
import type { Finding } from '../../core/finding.ts';
import type { Level } from '../../core/level.ts';
import type { Text } from '../../core/text.ts';
import { fact, finding } from '../finding.ts';
import type { PlaceCheck, ScanContext } from '../port.ts';
import { isShipped, ownerOf, running, tellDenied } from '../processes.ts';
import { firstOf } from '../look.ts';

export interface Family { family: string; source: string; strength: 'certain' | 'likely'; files: string[]; modules: string[]; processes: string[]; sysctls: string[] }

const matchesMax = 20_000;

export const rootkitTrace: PlaceCheck = {
  id: 'rootkit-trace',
  title: { zh: '已知 rootkit 的痕迹', en: 'traces of known rootkits' },
  blind: { zh: '只认得表里的；换了名字的同族不会命中，靠其他检查发现', en: 'knows those of its table only; a relative under another name is left to the other checks' },
  group: 'malware',
  scope: 'tree',
  everyMinutes: 6 * 60,
  async *run(context) {
    const families = parseFamilies(context.signatures('rootkits.yml'));
    const modules = new Set(context.tree.kind === 'machine' || context.machine ? context.tree.list('/sys/module') ?? [] : []);
    for (const line of (context.machine?.procfs.read('modules', 4 << 20) ?? '').split('\n')) modules.add(line.split(' ', 1)[0]!);
    for (const family of families) {
      for (const path of family.files) for (const found of matches(path, context)) yield* file(found, family, context);
      for (const name of family.modules) if (modules.has(name)) yield trace(family, 'module', name, { zh: `内核模块 ${name}`, en: `the kernel module ${name}` });
      if (context.machine) for (const path of family.sysctls) {
        if (context.machine.procfs.read(path.slice('/proc/'.length), 64) !== undefined || context.tree.stat(path)) yield trace(family, 'entry', path, { zh: path, en: path }, path);
      }
    }
    if (context.machine) yield* processes(families, context);
  },
};

/** Throws when the table is not as it should be: an unread table would look like a clean machine. */
export function parseFamilies(text: string): Family[] {
  const rows: unknown = parse(text, { maxAliasCount: 0 });
  if (!Array.isArray(rows)) throw new Error('expected a list of families in rootkits.yml');
  return rows.map((row: unknown, i) => {
    const fields = (typeof row === 'object' && row !== null ? row : {}) as Record<string, unknown>;
    const list = (name: string): string[] => {
      const value = fields[name] ?? [];
      if (!Array.isArray(value) || !value.every((one) => typeof one === 'string')) throw new Error(`expected a list of texts for ${name} of family ${i + 1} in rootkits.yml`);
      return value;
    };
    const { family, source, strength = 'certain' } = fields;
    if (typeof family !== 'string' || typeof source !== 'string' || (strength !== 'certain' && strength !== 'likely')) throw new Error(`expected family, source and strength for entry ${i + 1} in rootkits.yml`);
    return { family, source, strength, files: list('files'), modules: list('modules'), processes: list('processes'), sysctls: list('sysctls') };
  });
}

/** Paths that are there. A `*` or `?` in a name is looked up in its folder. */
function matches(pattern: string, context: ScanContext): string[] {
  const { tree } = context;
  let paths = [''];
  for (const part of pattern.split('/').slice(1)) {
    if (!/[*?]/.test(part)) { paths = paths.map((path) => `${path}/${part}`); continue; }
    const name = new RegExp(`^${part.replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`).replaceAll('*', '[^/]*').replaceAll('?', '[^/]')}$`);
    paths = [...firstOf(context, pattern, paths.flatMap((path) => (tree.list(path || '/') ?? []).filter((one) => name.test(one)).map((one) => `${path}/${one}`)), matchesMax)];
  }
  return paths.filter((path) => tree.stat(path) !== undefined);
}

async function* file(path: string, family: Family, context: ScanContext): AsyncIterable<Finding> {
  const stat = context.tree.stat(path)!;
  const owner = await context.provenance.owner(path);
  if (owner && owner.state !== 'modified') return;
  // A link of the system or of an administrator to what a package ships is no trace.
  const real = stat.kind === 'link' ? context.tree.real(path) : path;
  if (real !== undefined && real !== path && isShipped(await context.provenance.owner(real))) return;
  yield trace(family, 'file', path, { zh: path, en: path }, path, stat.changed);
}

async function* processes(families: readonly Family[], context: ScanContext): AsyncIterable<Finding> {
  const byName = new Map(families.flatMap((family) => family.processes.map((name) => [name, family] as const)));
  for (const one of running(context)) {
    const family = byName.get(one.stat.name);
    if (!family || one.stat.kernelThread || isShipped(await ownerOf(one, context))) continue;
    yield trace(family, 'process', `${one.stat.name} ${one.pid}`, { zh: `进程 ${one.stat.name}（${one.pid}）`, en: `the process ${one.stat.name} (${one.pid})` }, one.memfd ? undefined : one.exe);
  }
  tellDenied(context);
}

function trace(family: Family, what: string, key: string, name: Text, path?: string, time?: number): Finding {
  const level: Level = family.strength === 'certain' ? 'high' : 'medium';
  return finding('rootkit-trace', `${family.family}\0${what}\0${key}`, {
    kind: 'intrusion', level, ...(path !== undefined && { path }),
    title: { zh: `${name.zh} 是 ${family.family} 的痕迹`, en: `${name.en} is a trace of ${family.family}` },
    evidence: [fact({ zh: '痕迹', en: 'trace' }, key), fact({ zh: '依据', en: 'known from' }, family.source)],
    means: { zh: '已知的 rootkit 或后门会留下这个名字。它不属于任何软件包；名字可能撞上，内容要看一眼。', en: 'A known rootkit or back door leaves this name. No package owns it; names may meet by chance, so look at what it holds.' },
    fix: { text: { zh: '先留样本，再查它何时出现、同一时间还改了什么', en: 'keep a copy, then see when it came and what else changed then' }, commands: path === undefined ? [] : [['stat', path], ['file', path]] },
    refs: ['attack:T1014', 'dengbao:8.1.4.5'],
    ...(time !== undefined && { time }),
  });
}
