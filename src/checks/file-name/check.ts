/** Names that are made to be overlooked: of dots and spaces, with control or look-alike characters, or that read as another. */
import type { FindingKind } from '../../core/finding.ts';
import type { Level } from '../../core/level.ts';
import type { Text } from '../../core/text.ts';
import { bytesOf } from '../../linux/file-names.ts';
import { fact, finding } from '../finding.ts';
import type { Visitor, WalkCheck, WalkedFile } from '../port.ts';
import { inOpenFolder } from '../processes.ts';

interface Odd { kind: FindingKind; level: Level; why: Text }

const findingsMax = 500;
/** Places of programs and settings, where no name needs anything but plain characters. */
const systemPlaces = /^\/(?:usr\/(?:s?bin|lib\w*|libexec|local\/s?bin|local\/lib)|s?bin|lib\w*|etc|boot|dev)\//;
/** Documents of people and data of programs, with names in every language and of every kind. */
const dataPlaces = /^\/(?:usr\/share|usr\/src|usr\/lib\/python|usr\/lib\/node_modules|usr\/local\/(?:lib\/(?:node_modules|python)|share)|var\/lib\/(?:docker|containerd|mysql|postgresql)|snap|proc|sys)\//;

export const fileName: WalkCheck = {
  id: 'file-name',
  title: { zh: '伪装的文件名', en: 'file names in disguise' },
  blind: { zh: '普通文字组成的假名字看不出来', en: 'a false name of ordinary characters is not seen' },
  group: 'hiding',
  scope: 'tree',
  everyMinutes: 24 * 60,
  walk(context): Visitor {
    // Apart: names that say little must not crowd out one that says much.
    const told = { notice: 0, weakness: 0, intrusion: 0 };
    return {
      wants: ({ path }) => suspicious(path),
      async *look(file) {
        const odd = judge(file, (path) => context.tree.stat(path) !== undefined);
        if (!odd) return;
        const owner = await context.provenance.owner(file.path);
        if (owner && owner.state !== 'modified') return;
        if (++told[odd.kind] > findingsMax) { context.count('odd file names beyond those listed'); return; }
        const name = nameOf(file.path);
        yield finding('file-name', file.path, {
          kind: odd.kind, level: odd.level, path: file.path, time: file.stat.changed,
          title: { zh: `${visible(file.path)}：${odd.why.zh}`, en: `${visible(file.path)}: ${odd.why.en}` },
          evidence: [fact({ zh: '名字（逐字节）', en: 'name, byte by byte' }, bytes(name))],
          means: { zh: '这样的名字是做给人看的：ls 里一眼略过，或者看成另一个文件。正常软件不这样起名。', en: 'Such a name is made for the eye: ls shows nothing odd, or another file. No ordinary software uses it.' },
          fix: { text: { zh: '先看里面是什么、谁在用', en: 'see what it holds and who uses it' }, commands: [['ls', '-lab', file.path]] },
          refs: ['attack:T1036', 'attack:T1564.001', 'matrix:文件名'],
        });
      },
    };
  },
};

const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** Cheap: asked of every file. Anything beyond letters, digits and the usual marks, a leading dot, or a trailing dot. */
function suspicious(path: string): boolean {
  const from = path.lastIndexOf('/') + 1;
  const first = path.charCodeAt(from), last = path.charCodeAt(path.length - 1);
  if (first === 0x2e || last === 0x2e || first === 0x20 || last === 0x20) return true;
  for (let i = from; i < path.length; i++) {
    const c = path.charCodeAt(i);
    if (c < 0x20 || c > 0x7e) return true;
  }
  return false;
}

// eslint-disable-next-line no-misleading-character-class -- single code points that show nothing, each by itself
const invisible = /[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\u3164\ufeff\uffa0]/;
const turning = /[\u202a-\u202e\u2066-\u2069]/;
// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const control = /[\u0000-\u001f\u007f-\u009f]/;
/** Letters of other scripts that look like Latin ones. */
const lookAlike: Readonly<Record<string, string>> = {
  'а': 'a', 'е': 'e', 'о': 'o', 'р': 'p', 'с': 'c', 'у': 'y', 'х': 'x', 'ѕ': 's', 'і': 'i', 'ј': 'j', 'һ': 'h', 'ԁ': 'd', 'ո': 'n', 'ԛ': 'q', 'ѵ': 'v', 'ԝ': 'w', 'к': 'k', 'м': 'm', 'т': 't', 'в': 'b', 'А': 'A', 'В': 'B', 'Е': 'E', 'К': 'K', 'М': 'M', 'Н': 'H', 'О': 'O', 'Р': 'P', 'С': 'C', 'Т': 'T', 'Х': 'X',
  'ο': 'o', 'α': 'a', 'ν': 'v', 'ρ': 'p', 'ι': 'i', 'κ': 'k', 'υ': 'u', 'ı': 'i', 'ɡ': 'g', 'ⅼ': 'l', 'ⅰ': 'i', '․': '.', '∕': '/', '⁄': '/',
};

/** `exists` tells whether a path is there: a look-alike of a neighbour is worse than one of nothing. */
export function judge({ path, stat }: WalkedFile, exists: (path: string) => boolean): Odd | undefined {
  const name = nameOf(path);
  const folder = path.slice(0, path.length - name.length);
  const system = systemPlaces.test(path) && !dataPlaces.test(path);
  const open = inOpenFolder(path);
  const runs = stat.kind === 'file' && (stat.mode & 0o111) !== 0;
  const odd = (level: Level, zh: string, en: string, kind: FindingKind = 'intrusion'): Odd => ({ kind, level, why: { zh, en } });
  if (/^\.{3,}$/.test(name) || /^\.{1,2}[\s\u00a0\u2000-\u200f\u3000]+$/.test(name)) return odd('high', '名字只有点和空格，在 ls -a 里像是上级目录', 'the name is dots and spaces, which ls -a shows like the folder itself');
  if (/^[\s\u00a0\u2000-\u200f\u3000]+$/.test(name)) return odd('high', '名字只有空白', 'the name is blank');
  if (turning.test(name)) return odd(runs || system || open ? 'high' : 'medium', '名字里有改变文字方向的字符，扩展名看上去是另一个', 'characters turn the direction of its text, so that it seems to end in another way');
  if (control.test(name)) return odd(system || open ? 'high' : 'low', '名字里有控制字符，会搅乱终端显示', 'it has control characters, which upset what a terminal shows', system || open ? 'intrusion' : 'notice');
  if (invisible.test(name) && !/\p{Extended_Pictographic}|[\u0600-\u0dff]/u.test(name)) return odd(system || runs || open ? 'high' : 'low', '名字里有看不见的字符', 'it has characters that nobody sees', system || runs || open ? 'intrusion' : 'notice');
  if (/[ \u00a0\u3000]$/.test(name) || /^[ \u00a0\u3000]/.test(name)) {
    const twin = exists(folder + name.trim());
    return system || runs || twin && open ? odd(twin ? 'high' : 'medium', twin ? '名字前后有空格，旁边就有不带空格的同名文件' : '名字以空格开头或结尾', twin ? 'a blank begins or ends its name, and the same name without stands beside it' : 'a blank begins or ends its name') : undefined;
  }
  const latin = likeLatin(name);
  if (latin !== undefined && !dataPlaces.test(path)) {
    const twin = exists(folder + latin);
    if (twin || system || (runs && /^[\x21-\x7e]+$/.test(latin))) return odd(twin || system ? 'high' : 'medium', `名字里混有形似拉丁字母的字符，看上去是 ${latin}`, `letters of another script make it look like ${latin}`);
  }
  if (/^\.{1,2}[^.]/.test(name) && stat.kind === 'file' && runs && (system && !path.startsWith('/etc/') || open) && !/\.(?:hmac|so|lock)$/.test(name)) return odd(open ? 'medium' : 'high', '系统目录或公共目录里的隐藏程序', 'a program behind a hidden name in a folder of the system or of everybody');
  if (name.startsWith('..') && name.length > 2 && !/^\.{2}(?:data$|\d{4}_|[\w-]+\.(?:sw\w|tmp))/.test(name) && (system || open)) return odd('medium', '名字以两个点开头，像是上级目录', 'it begins with two dots, like the folder above');
  if (system && /[^\x20-\x7e]/.test(name) && runs) return odd('low', '系统目录里的程序名含非英文字符', 'a program of the system with a name beyond plain letters', 'notice');
  return undefined;
}

/** The Latin name that it looks like, when it mixes scripts or is made of look-alikes only. */
function likeLatin(name: string): string | undefined {
  let changed = false;
  let out = '';
  for (const c of name) {
    const latin = lookAlike[c];
    if (latin === undefined && c > '\u007e') return undefined;
    if (latin !== undefined) changed = true;
    out += latin ?? c;
  }
  return changed && /[A-Za-z]/.test(out) ? out : undefined;
}

/** For a title: what cannot be seen is written out. */
const visible = (path: string): string => Array.from(path, (c) => (c < ' ' || (c > '~' && (invisible.test(c) || control.test(c) || lookAlike[c] !== undefined)) || /[\ud800-\udfff]/.test(c) && c.length === 1 ? `<U+${c.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}>` : c)).join('').replace(/ +$/, (blanks) => '␠'.repeat(blanks.length)).slice(0, 400);
const bytes = (name: string): string => `${JSON.stringify(name.slice(0, 200))} ${Buffer.from(bytesOf(name.slice(0, 200))).toString('hex').slice(0, 400)}`;
