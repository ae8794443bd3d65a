import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { askMoat, targetOf } from '../ask.ts';
import type { OriginQuestion } from '../../agent/origin-control.ts';
import { canonicalIp } from '../../core/address.ts';
import { MoatError } from '../../core/error.ts';
import type { Story } from '../../engine/origin/story.ts';
import { storyLines } from '../origin-text.ts';
import { Output } from '../output.ts';
import type { Cli } from '../program.ts';

export function addOrigin({ program, lang, t }: Cli): void {
  program.command('origin')
    .argument('<pid|path|address>', t('进程号、文件路径、IP 地址或域名', 'a process id, a file path, an IP address or a host name'))
    .description(t('从哪里来、做了什么：进程的来由与经过，文件由谁写下、谁运行，地址与谁往来', 'where it came from and what it did: of a process, a file or an address'))
    .option('--json', t('输出 JSON', 'print JSON'))
    .addHelpText('after', `\n${t('例', 'Examples')}:\n  moat origin 4242\n  moat origin /tmp/x\n  moat origin 203.0.113.9`)
    .action(async (asked: string, options: { json?: boolean }) => {
      const story = await askMoat(program, 'origin', await targetOf(program) === undefined ? questionOf(asked) : { what: asked }) as Story | null;
      if (story === null) {
        throw new MoatError('not-known', t(`没有关于 ${asked} 的记录`, `nothing is known of ${asked}`), {
          hint: t('只保留 Moat 运行期间所见、且一天以内的进程；正在运行的进程用 moat ps 查看', 'what Moat saw within a day is kept; moat ps shows what runs'),
        });
      }
      const out = new Output();
      if (options.json) out.line(JSON.stringify(story));
      else for (const line of storyLines(story, lang, Date.now())) out.line(line);
      await out.end();
    });
}

/** A path from here, as the agent stands in another folder, with what file has that name now. */
function questionOf(asked: string): OriginQuestion {
  if (/^\d+$/.test(asked) || canonicalIp(asked) !== undefined || !(asked.includes('/') || existsSync(asked))) return { what: asked };
  const what = resolve(asked);
  try {
    const stat = statSync(what, { throwIfNoEntry: false });
    return stat?.isFile() ? { what, inode: stat.ino, device: stat.dev } : { what };
  } catch {
    return { what }; // a loop of links, or a folder not ours to enter: the name alone is asked for
  }
}
