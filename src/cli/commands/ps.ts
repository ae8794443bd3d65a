import { askMoat } from '../ask.ts';
import type { Listed } from '../../engine/origin/story.ts';
import { treeOf } from '../origin-text.ts';
import { Output } from '../output.ts';
import type { Cli } from '../program.ts';

export function addPs({ program, lang, t }: Cli): void {
  program.command('ps')
    .description(t('进程树，每一支标明来由', 'the process tree, each branch with its origin'))
    .option('--all', t('含一天内已结束的', 'also those that ended within a day'))
    .option('--json', t('每行一个 JSON 对象', 'one JSON object a line'))
    .action(async (options: { all?: boolean; json?: boolean }) => {
      const { processes, more } = await askMoat(program, 'processes', options.all === true) as { processes: Listed[]; more: number };
      const out = new Output();
      if (options.json) {
        // Within a list a parent is named by its place; alone on a line, by its identity.
        for (const one of processes) {
          const parent = one.parent === undefined ? undefined : processes[one.parent];
          out.line(JSON.stringify({ ...one, parent: undefined, ...(parent && { parent_pid: parent.pid, parent_started: parent.started }) }));
        }
      } else for (const line of treeOf(processes, lang, Date.now())) out.line(line);
      await out.end();
      if (processes.length === 0) console.error(t('还没有看到任何进程；moat status 说明传感器是否在工作', 'no process has been seen yet; moat status tells whether the sensors work'));
      if (more > 0) console.error(t(`另有 ${more} 个进程未列出`, `${more} more processes are not listed`));
    });
}
