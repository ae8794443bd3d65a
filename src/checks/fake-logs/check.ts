/** Programs that pass for logs, pictures or documents: named *.log.exe, or called .log or .png and yet a program. */
import { atLeast, type Level } from '../../core/level.ts';
import { fact, finding, octal } from '../finding.ts';
import type { Visitor, WalkCheck } from '../port.ts';
import { baseName } from '../shell-words.ts';

const programEnding = /\.log(?:\.\d{1,4})?\.(?:exe|scr|bat|cmd|com|ps1|vbs|dll|elf|bin|run|out|sh|bash|py|pl|so|ko)$/i;
const logEnding = /\.log(?:\.\d{1,4})?$/i;
/** Pictures, sounds, styles and documents are opened and never run. */
const documentEnding = /\.(?:png|jpe?g|gif|bmp|ico|svg|webp|mp[34]|avi|mov|woff2?|ttf|css|html?|txt|md|csv|json|xml|ya?ml|pdf|docx?|xlsx?|conf|cfg|ini)$/i;
const inLogs = /^\/var\/log\/.*\.(?:exe|elf|so|ko|sh|py|pl|php|jsp)$/i;

export const fakeLogs: WalkCheck = {
  id: 'fake-logs',
  title: { zh: '冒充日志、图片、文档的程序', en: 'programs that pass for logs, pictures or documents' },
  blind: { zh: '只看文件开头：藏在正常日志后面的内容看不出来', en: 'looks at beginnings only: what lies behind a real log is not seen' },
  group: 'hiding',
  scope: 'tree',
  everyMinutes: 24 * 60,
  walk({ tree, provenance }): Visitor {
    return {
      wants: ({ path, stat }) => stat.kind === 'file' && stat.size > 0 && (logEnding.test(path) || programEnding.test(path) || inLogs.test(path) || (documentEnding.test(path) && (stat.mode & 0o111) !== 0)),
      async *look({ path, stat }) {
        const head = tree.read(path, 64)?.bytes;
        if (!head) return;
        const kind = head.subarray(0, 4).equals(Buffer.from('\x7fELF', 'latin1')) ? 'ELF' : head.subarray(0, 2).toString('latin1') === 'MZ' ? 'PE' : head.subarray(0, 2).toString('latin1') === '#!' ? 'script' : undefined;
        const named = programEnding.test(path);
        const isDocument = documentEnding.test(path);
        // Whatever an archive or a share of Windows gave the right to run is a document still, unless it begins as a program does.
        if (isDocument && kind !== 'ELF') return;
        if (kind === undefined && !(named && (stat.mode & 0o111) !== 0)) return;
        // A script that was kept in a log, or one of a folder of a person's own work, is none that hides.
        const level: Level = kind === 'script' ? ((stat.mode & 0o111) !== 0 && logEnding.test(path) ? 'medium' : 'low') : kind === undefined ? 'medium' : 'high';
        if (await provenance.owner(path)) return;
        yield finding('fake-logs', path, {
          kind: atLeast(level, 'medium') ? 'intrusion' : 'notice', level, path, time: stat.changed,
          title: isDocument ? { zh: `${baseName(path)} 起了图片或文档的名字，其实是程序`, en: `${baseName(path)} is called a picture or a document and is a program` } : { zh: `${baseName(path)} 叫日志，其实是${kind === 'script' ? '脚本' : '程序'}`, en: `${baseName(path)} is called a log and is a ${kind === 'script' ? 'script' : 'program'}` },
          evidence: [fact({ zh: '种类', en: 'kind' }, kind ?? 'executable'), fact({ zh: '权限', en: 'mode' }, `${octal(stat.mode)} ${stat.uid}:${stat.gid}`), ...(kind === 'script' ? [fact({ zh: '开头', en: 'beginning' }, head.toString('utf8'))] : [])],
          means: { zh: '木马常起个日志、图片或文档的名字，让人一眼扫过去以为是普通文件。', en: 'Malware takes the name of a log, a picture or a document so that people pass over it.' },
          fix: { text: { zh: '隔离这个文件，查谁在运行它', en: 'put the file away and see who runs it' }, commands: [['chmod', '000', path]] },
          refs: ['attack:T1036.008', 'attack:T1036.005'],
        });
      },
    };
  },
};
