/** Ransomware: notes that ask for money, and families of files that were encrypted. */
import type { Finding } from '../../core/finding.ts';
import { fact, finding } from '../finding.ts';
import { attempt, readBeginning } from '../look.ts';
import type { ScanContext, Visitor, WalkCheck } from '../port.ts';
import { isEncrypted, isNoteName, noteWorth, originalOf } from './signs.ts';

const noteMax = 64 * 1024;
const notesOpened = 200_000;
/** Packages of the system and of Node have a readme each. */
const ownReadmes = /^\/usr\/(?:share|lib|include|src)\/|\/(?:node_modules|site-packages|dist-packages)\//;
const familiesMax = 1000;
const foldersShown = 10;
const samplesMax = 8;
/** Fewer may be anybody's odd naming. */
const familyMin = 20;

interface Family { ending: string; count: number; folders: Set<string>; first: number; last: number; samples: string[] }
interface Note { name: string; count: number; folders: Set<string>; first: number; last: number; worth: number; words: string[]; path: string }

export const ransom: WalkCheck = {
  id: 'ransom',
  title: { zh: '勒索软件', en: 'ransomware' },
  blind: { zh: '整个改了名、不留原扩展名的加密文件认不出；加密了一小部分的大文件可能看不出', en: 'cannot tell encrypted files whose old ending is gone too, nor large ones of which only a part was encrypted' },
  group: 'malware',
  scope: 'tree',
  everyMinutes: 24 * 60,
  walk(context): Visitor {
    const families = new Map<string, Family>();
    const notes = new Map<string, Note>();
    let opened = 0;
    return {
      wants({ path, stat }) {
        if (stat.kind !== 'file' || stat.size === 0) return false;
        const slash = path.lastIndexOf('/');
        const name = path.slice(slash + 1);
        const original = originalOf(name);
        if (original !== undefined) gather(families, name.slice(name.lastIndexOf('.') + 1), path, path.slice(0, slash), stat.modified, context);
        return stat.size < noteMax && isNoteName(name) && !ownReadmes.test(path);
      },
      // oxlint-disable-next-line eslint/require-yield -- what it sees is told in one finding a family at the end
      async *look({ path, stat }) {
        if (opened++ >= notesOpened) { if (opened === notesOpened + 1) context.blind(path, { zh: `可能是勒索信的文件超过 ${notesOpened} 个，从这个起没打开`, en: `there are more than ${notesOpened} files that may be notes; this one and those after it were not opened` }); return; }
        const { worth, words } = noteWorth(readBeginning(context, path, noteMax) ?? '');
        if (worth < 2) return;
        const owner = await context.provenance.owner(path);
        if (owner && owner.state !== 'modified') return;
        const slash = path.lastIndexOf('/');
        const name = path.slice(slash + 1);
        let note = notes.get(name);
        if (!note) {
          if (notes.size >= familiesMax) { context.count('notes beyond the limit'); return; }
          note = { name, count: 0, folders: new Set(), first: stat.modified, last: stat.modified, worth, words, path };
          notes.set(name, note);
        }
        add(note, path.slice(0, slash), stat.modified);
        if (worth > note.worth) { note.worth = worth; note.words = words; note.path = path; }
      },
      async *end() {
        for (const note of notes.values()) {
          // One text may be a page about ransomware; the same in many folders is none.
          const many = note.folders.size >= 3;
          yield about(`note\0${note.name}`, many ? 'critical' : note.worth >= 3 ? 'high' : 'medium', note.path, { zh: `勒索信 ${note.name}，共 ${note.count} 份`, en: `a note that asks for ransom, ${note.name}: ${note.count} of them` }, note, note.words);
        }
        for (const family of families.values()) {
          if (family.count < familyMin) continue;
          const judged = sample(family, context);
          if (judged) yield about(`family\0${family.ending}`, 'critical', family.samples[0]!, { zh: `${family.count} 个文件被加密，扩展名变成 .${family.ending}`, en: `${family.count} files are encrypted and end in .${family.ending}` }, family, judged);
        }
      },
    };
  },
};

function gather(families: Map<string, Family>, ending: string, path: string, folder: string, time: number, context: ScanContext): void {
  let family = families.get(ending);
  if (!family) {
    if (families.size >= familiesMax) {
      // Make room: what came only once is no family yet.
      const lone = [...families.values()].find(({ count }) => count === 1);
      if (!lone) { context.count('endings of files beyond the limit'); return; }
      families.delete(lone.ending);
      context.count('endings of files seen once and left out');
    }
    family = { ending, count: 0, folders: new Set(), first: time, last: time, samples: [] };
    families.set(ending, family);
  }
  add(family, folder, time);
  // The first few, and then ever rarer ones, so that they come from all over.
  if (family.samples.length < samplesMax) family.samples.push(path);
  else if ((family.count & (family.count - 1)) === 0) family.samples[Math.log2(family.count) % samplesMax] = path;
}

function add(to: { count: number; folders: Set<string>; first: number; last: number }, folder: string, time: number): void {
  to.count++;
  if (to.folders.size < foldersShown) to.folders.add(folder);
  to.first = Math.min(to.first, time);
  to.last = Math.max(to.last, time);
}

/** What speaks for encryption; undefined where the samples do not. Three of four have to look so and have lost the file they came from. */
function sample(family: Family, context: ScanContext): string[] | undefined {
  let encrypted = 0;
  let looked = 0;
  for (const path of family.samples) {
    const original = originalOf(path.slice(path.lastIndexOf('/') + 1))!;
    const beside = attempt(context, path, () => context.tree.stat(path.slice(0, path.lastIndexOf('/') + 1) + original));
    if (beside) { looked++; continue; }
    const told = attempt(context, path, () => isEncrypted(context.tree, path, original));
    if (told === undefined) continue;
    looked++;
    if (told) encrypted++;
  }
  if (looked < 4 || encrypted * 4 < looked * 3) return undefined;
  return [`${encrypted} / ${looked}`, ...family.samples];
}

function about(key: string, level: Finding['level'], path: string, title: Finding['title'], { count, folders, first, last }: { count: number; folders: Set<string>; first: number; last: number }, shown: readonly string[]): Finding {
  return finding('ransom', key, {
    kind: 'intrusion', level, path, title, time: first,
    evidence: [
      fact({ zh: '数量', en: 'count' }, String(count)), fact({ zh: '最早', en: 'first' }, new Date(first).toISOString()), fact({ zh: '最晚', en: 'last' }, new Date(last).toISOString()),
      fact({ zh: '目录', en: 'folders' }, [...folders].join('\n')), ...shown.slice(0, 12).map((one) => fact({ zh: '见于', en: 'seen' }, one)),
    ],
    means: { zh: '文件被加密来勒索。别重启、别删勒索信和加密文件：解密也许要用到它们。', en: 'Files were encrypted to ask for money. Do not restart, and keep notes and files: an unlocking tool may need them.' },
    fix: { text: { zh: '断网，给磁盘做快照，查有没有公开的解密工具，再从没被碰过的备份恢复', en: 'cut the network, take a snapshot of the disk, look for a public unlocking tool, then restore from a backup that was out of reach' }, commands: [] },
    refs: ['attack:T1486', 'dengbao:8.1.4.5', 'dengbao:8.1.4.9'],
  });
}
