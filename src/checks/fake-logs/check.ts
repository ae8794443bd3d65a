/** Programs that pass for logs: named *.log.exe, or called .log and yet a binary or a script. */
import { atLeast, type Level } from '../../core/level.ts';
import { fact, finding, octal } from '../finding.ts';
import type { Visitor, WalkCheck } from '../port.ts';
import { baseName } from '../shell-words.ts';

const programEnding = /\.log(?:\.\d{1,4})?\.(?:exe|scr|bat|cmd|com|ps1|vbs|dll|elf|bin|run|out|sh|bash|py|pl|so|ko)$/i;
const logEnding = /\.log(?:\.\d{1,4})?$/i;
const inLogs = /^\/var\/log\/.*\.(?:exe|elf|so|ko|sh|py|pl|php|jsp)$/i;

export const fakeLogs: WalkCheck = {
  id: 'fake-logs',
  title: { zh: '假日志', en: 'programs that pass for logs' },
  blind: { zh: '只看文件开头：藏在正常日志后面的内容看不出来', en: 'looks at beginnings only: what lies behind a real log is not seen' },
  group: 'hiding',
  scope: 'tree',
  everyMinutes: 24 * 60,
  walk({ tree, provenance }): Visitor {
    return {
      wants: ({ path, stat }) => stat.kind === 'file' && stat.size > 0 && (logEnding.test(path) || programEnding.test(path) || inLogs.test(path)),
      async *look({ path, stat }) {
        const head = tree.read(path, 64)?.bytes;
        if (!head) return;
        const kind = head.subarray(0, 4).equals(Buffer.from('\x7fELF', 'latin1')) ? 'ELF' : head.subarray(0, 2).toString('latin1') === 'MZ' ? 'PE' : head.subarray(0, 2).toString('latin1') === '#!' ? 'script' : undefined;
        const named = programEnding.test(path);
        if (kind === undefined && !(named && (stat.mode & 0o111) !== 0)) return;
        // A script that was kept in a log, or one of a folder of a person's own work, is none that hides.
        const level: Level = kind === 'script' ? ((stat.mode & 0o111) !== 0 && logEnding.test(path) ? 'medium' : 'low') : kind === undefined ? 'medium' : 'high';
        if (await provenance.owner(path)) return;
        yield finding('fake-logs', path, {
          kind: atLeast(level, 'medium') ? 'intrusion' : 'notice', level, path, time: stat.changed,
          title: { zh: `${baseName(path)} 叫日志，其实是${kind === 'script' ? '脚本' : '程序'}`, en: `${baseName(path)} is called a log and is a ${kind === 'script' ? 'script' : 'program'}` },
          evidence: [fact({ zh: '种类', en: 'kind' }, kind ?? 'executable'), fact({ zh: '权限', en: 'mode' }, `${octal(stat.mode)} ${stat.uid}:${stat.gid}`), ...(kind === 'script' ? [fact({ zh: '开头', en: 'beginning' }, head.toString('utf8'))] : [])],
          means: { zh: '木马常起个日志的名字，让人一眼扫过去以为是普通日志。', en: 'Malware takes the name of a log so that people pass over it.' },
          fix: { text: { zh: '隔离这个文件，查谁在运行它', en: 'put the file away and see who runs it' }, commands: [['chmod', '000', path]] },
          refs: ['attack:T1036.008', 'attack:T1036.005'],
        });
      },
    };
  },
};
