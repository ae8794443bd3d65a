/** All that is collected, in order of volatility: what is gone first is taken first. */
import { readFile } from 'node:fs/promises';
import type { Text } from '../../core/text.ts';
import { Procfs } from '../../linux/procfs.ts';
import { type Collected, type Item, missed, nameFor, textItem } from '../item.ts';
import { absent, commandItem, fileItem, tableItem } from '../sources.ts';
import { fileItems, mountsOf } from './files.ts';
import type { Group, MemoryKind } from './groups.ts';
import { commandLooks, fileLooks, kernelFiles, kernelTables } from './looks.ts';
import { kcoreItem, memoryItems } from './memory.ts';
import { processItems, type Suspect } from './processes.ts';
import { timelineItem } from './timeline.ts';

export interface CollectPlan {
  suspects: readonly Suspect[];
  /** Files of the story, as they lie there. */
  files: readonly string[];
  /** What Moat itself knows: story, alerts, what is in quarantine. First and last of all. */
  known: readonly Item[];
  kept: readonly Collected[];
  memory: MemoryKind;
  /** Bytes of one process's memory. */
  memoryMost: number;
  /** Unix ms: logs that were written to since. */
  since: number | undefined;
  /** Programs of the machine are run. */
  commands: boolean;
  /** Folders that are left out: where the archive is written to, Moat's own data. */
  without: readonly string[];
  /** Only these groups; all when undefined. */
  only?: readonly Group[] | undefined;
}

const usual = { ms: 20_000, bytes: 64 << 20 };
const table = { ms: 10_000, bytes: 64 << 20 };
const storyFile = { ms: 60_000, bytes: 512 << 20 };
const timelineMs = 180_000, kcoreMs = 3_600_000, memoryMs = 300_000;

/** To which group of the command line the tables of files belong. */
const groupOf: Readonly<Record<string, Group>> = { volatile: 'system', temporary: 'storage', logon: 'session', shell: 'shell', persistence: 'unit', package: 'package', container: 'container', log: 'log', web: 'web', application: 'system' };

export async function* collect(plan: CollectPlan): AsyncGenerator<Collected> {
  const procfs = new Procfs();
  const wanted = (group: Group): boolean => plan.only === undefined || plan.only.includes(group);
  yield* plan.known;
  for (const name of kernelTables) {
    const isNet = name.startsWith('net/');
    if (wanted(isNet ? 'network' : 'kernel')) yield* present(`/proc/${name}`, `proc/${name}`);
  }
  if (wanted('process')) yield* processItems({ suspects: plan.suspects, procfs });
  if (wanted('memory')) {
    if (plan.memory !== 'none') yield* memoryItems({ procfs, suspects: plan.suspects, most: plan.memoryMost, ms: memoryMs });
    if (plan.memory === 'kcore') yield kcoreItem(procfs, kcoreMs);
  }
  if (wanted('kernel')) for (const path of kernelFiles) yield* present(path, nameFor(path));
  for (const { name, argv, ms, fine, needs } of commandLooks) {
    const group = name.slice(0, name.indexOf('/')) as Group;
    if (!wanted(group)) continue;
    if (plan.commands) yield commandItem(`commands/${name}`, argv, { limits: { ms: ms ?? usual.ms, bytes: usual.bytes }, needs, ...(fine && { fine }) });
  }
  if (!plan.commands) yield missed('commands', 'programs of the machine', noCommands);
  const seen = new Set<string>();
  if (wanted('file')) {
    for (const path of plan.files) {
      if (seen.has(path)) continue;
      seen.add(path);
      yield fileItem(path, { limits: storyFile, facts: { story: true } });
    }
  }
  yield* plan.kept;
  if (wanted('session')) yield shadowItem;
  const mounts = mountsOf(procfs);
  const isLeftOut = (path: string): boolean => plan.without.some((folder) => path === folder || path.startsWith(`${folder}/`));
  for (const { group, set } of fileLooks(plan.since)) {
    if (!wanted(groupOf[group]!)) continue;
    for await (const item of fileItems(set, mounts, seen)) if (!isLeftOut(item.source)) yield item;
  }
  if (wanted('storage')) yield timelineItem(mounts, timelineMs);
}

const noCommands: Text = { zh: '按要求没有运行本机的程序（--no-commands）', en: 'no programs of the machine were run, as asked (--no-commands)' };

/** A table that this kernel does not have is no gap. */
function* present(path: string, name: string): Generator<Collected> {
  const item = tableItem(path, name, table);
  yield {
    ...item,
    async open(signal) {
      try {
        return await item.open(signal);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw absent(path);
        throw error;
      }
    },
  };
}

/** Who may log on by password and since when; what a password is told by stays out. */
const shadowItem: Item = textItem('accounts/shadow.txt', '/etc/shadow', async () => (await readFile('/etc/shadow', 'utf8')).split('\n').map(withoutHash).join('\n'));

/** `root:$y$j9T$…:19000:…` → `root:$y$…:19000:…`: the kind of hash stays, and whether the account is locked. */
export function withoutHash(line: string): string {
  const [name = '', hash = '', ...rest] = line.split(':');
  const kind = /^!*\$[A-Za-z0-9-]{1,10}\$/.exec(hash)?.[0];
  const shown = /^[!*]*$/.test(hash) ? hash : `${kind ?? ''}…`;
  return rest.length === 0 ? '' : [name, shown, ...rest].join(':');
}
