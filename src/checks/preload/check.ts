/** /etc/ld.so.preload and whatever it names: a library there goes into every program that starts. */
import type { PlaceCheck } from '../port.ts';
import { fact, finding } from '../finding.ts';
import { tellCut } from '../look.ts';
import { textMax } from '../../linux/tree.ts';

const file = '/etc/ld.so.preload';
/** Of each level: a line of every library of a flood is no news, and harmless ones must not crowd out another. */
const librariesMax = 200;

export const preload: PlaceCheck = {
  id: 'preload',
  title: { zh: '全局预加载库', en: 'preloaded library for all programs' },
  blind: { zh: '内核里的 rootkit 可以让文件读起来不一样', en: 'a rootkit in the kernel may show another file than the loader reads' },
  group: 'persistence',
  scope: 'tree',
  everyMinutes: 60,
  async *run(context) {
    const read = context.tree.read(file, textMax);
    if (!read) return;
    const text = read.bytes.toString('utf8');
    // The loader reads all of it.
    if (read.cut) tellCut(context, file, textMax);
    const { changed } = context.tree.stat(file) ?? {};
    const named = libraries(text);
    const told = new Map<string, number>();
    for (const path of named) {
      const owner = await context.provenance.owner(path);
      const intact = owner?.state === 'intact';
      const there = context.tree.real(path) !== undefined;
      const level = intact ? 'low' : there ? 'critical' : 'high';
      const n = (told.get(level) ?? 0) + 1;
      told.set(level, n);
      if (n > librariesMax) { context.count('findings beyond the limit'); continue; }
      yield finding('preload', path, {
        kind: intact ? 'notice' : 'intrusion', level,
        title: intact
          ? { zh: `${file} 让所有程序都加载软件包 ${owner.name} 的 ${path}`, en: `${file} loads ${path} of the package ${owner.name} into every program` }
          : { zh: `${file} 让所有程序都加载 ${path}`, en: `${file} loads ${path} into every program` },
        path: file,
        evidence: [
          fact({ zh: '加载的库', en: 'library' }, there ? path : `${path} (not there)`),
          ...(owner ? [fact({ zh: '所属软件包', en: 'package' }, `${owner.name} ${owner.version} (${owner.state})`)] : []),
        ],
        means: { zh: '用户态 rootkit 靠它藏进程、藏文件、偷密码：每个程序启动时都会先装入这个库。正常的服务器几乎不用这个文件。', en: 'Rootkits in user space hide processes and files and steal passwords this way: each program loads the library before anything else. Ordinary servers hardly ever use this file.' },
        fix: { text: { zh: '留证后从该文件去掉这一行，再查这个库从何而来', en: 'keep evidence, take the line out, then see where the library came from' }, commands: [['cp', '-a', file, `${file}.evidence`], ['sed', '-i', `\\|^${path.replaceAll(/[|\\.*^$[\]]/g, '\\$&')}$|d`, file]] },
        refs: ['attack:T1574.006'],
        ...(changed !== undefined && { time: changed }),
      });
    }
  },
};

/** The loader splits at white space and colons; `#` begins a comment. */
function libraries(text: string): string[] {
  return [...new Set(text.split('\n').flatMap((line) => line.replace(/#.*/, '').split(/[\s:]+/)).filter((word) => word !== ''))];
}
