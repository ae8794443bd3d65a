/** What interpreters run before any program of theirs: .pth files, sitecustomize and usercustomize of Python, sitecustomize.pl of Perl. */
import type { Finding } from '../../core/finding.ts';
import { atLeast, type Level } from '../../core/level.ts';
import { judgeText } from '../command.ts';
import { isShipped, judgedFinding, namesByUid, readHook, type Place } from '../hooks.ts';
import type { ScanContext, Visitor, WalkCheck, WalkedFile } from '../port.ts';
import { baseName, type Language } from '../shell-words.ts';

const place: Place = {
  check: 'interpreter-start', name: { zh: '解释器的启动文件', en: 'start file of an interpreter' },
  means: { zh: '系统里每启动一个 Python（或 Perl）程序，它都先运行，包括 root 的定时任务和面板。', en: 'It runs before each program in Python (or Perl) that is started there, the jobs and panels of root too.' },
  refs: ['attack:T1546.018'],
};

export const interpreterStart: WalkCheck = {
  id: 'interpreter-start',
  title: { zh: '解释器的启动文件', en: 'start files of interpreters' },
  blind: { zh: '启动文件再导入的模块不看；模块本身被改过由软件包比对发现', en: 'does not follow the modules that a start file imports; changed modules of packages are told by their digests' },
  group: 'persistence',
  scope: 'tree',
  everyMinutes: 24 * 60,
  walk(context): Visitor {
    const users = namesByUid(context);
    return {
      wants: ({ path, stat }) => (stat.kind === 'file' || stat.kind === 'link') && languageFor(path) !== undefined,
      look: (file) => startFile(file, languageFor(file.path)!, users.get(file.stat.uid) ?? String(file.stat.uid), context),
    };
  },
};

/** By its name alone: asked for every file. */
export function languageFor(path: string): Language | undefined {
  if (path.endsWith('.pth')) return /\/(?:site|dist)-packages\/[^/]+$/.test(path) ? 'python' : undefined;
  if (path.endsWith('customize.py')) return /\/python[\d.]*\/(?:(?:site|dist)-packages\/)?(?:site|user)customize\.py$|\/(?:site|dist)-packages\/(?:site|user)customize\.py$/.test(path) ? 'python' : undefined;
  return path.endsWith('/sitecustomize.pl') ? 'perl' : undefined;
}

async function* startFile({ path, stat }: WalkedFile, language: Language, user: string, context: ScanContext): AsyncIterable<Finding> {
  if (await isShipped(context, path)) return;
  const file = readHook(context, path);
  if (!file) return;
  // A line of a .pth that does not begin so is a folder to search.
  const text = path.endsWith('.pth') ? file.text.split('\n').filter((line) => /^import[ \t]/.test(line)).join('\n') : file.text;
  if (text.trim() === '') return;
  const judged = await judgeText(text, context, { file: path, language, user });
  const found = judgedFinding(place, { path, key: baseName(path), judged: { ...judged, level: worth(judged.level, judged.kind === 'intrusion' && judged.reasons.some(({ attack }) => attack.includes('T1027.010'))) }, evidence: [], time: stat.changed, user, fix: { zh: `隔离 ${path}，再查它从何而来`, en: `put ${path} away, then see where it came from` } });
  if (found) yield found;
}

/** Tools write such files in plain words; one whose code is packed has something to hide. */
const worth = (level: Level | undefined, packed: boolean): Level | undefined => (packed && level !== undefined && !atLeast(level, 'high') ? 'high' : level);
