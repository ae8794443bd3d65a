/** Files and accounts that systemd makes anew at each boot. */
import type { Finding } from '../../core/finding.ts';
import type { Level } from '../../core/level.ts';
import type { Text } from '../../core/text.ts';
import { judgeText } from '../command.ts';
import { finding, lineFact } from '../finding.ts';
import { homes, isShipped, judgedFinding, linesOf, listHook, readHook, writableFinding, type Place } from '../hooks.ts';
import type { PlaceCheck, ScanContext } from '../port.ts';
import { interpreters, baseName } from '../shell-words.ts';
import { splitLine } from './lines.ts';

const tmpfilesFolders = ['/etc/tmpfiles.d', '/run/tmpfiles.d', '/usr/local/lib/tmpfiles.d', '/usr/lib/tmpfiles.d'];
const userFolders = ['/etc/user-tmpfiles.d', '/usr/share/user-tmpfiles.d'];
const sysusersFolders = ['/etc/sysusers.d', '/run/sysusers.d', '/usr/local/lib/sysusers.d', '/usr/lib/sysusers.d'];

const place: Place = {
  check: 'tmpfiles-sysusers', name: { zh: '开机自动生成的文件', en: 'file made anew at each boot' },
  means: { zh: '删掉的后门文件、账号或权限，下次开机 systemd 会照着这一行再做出来。', en: 'A back door that was taken away is made again by this line at the next boot.' },
  refs: ['attack:T1543'],
};

export const tmpfilesSysusers: PlaceCheck = {
  id: 'tmpfiles-sysusers',
  title: { zh: 'tmpfiles.d 与 sysusers.d', en: 'tmpfiles.d and sysusers.d' },
  blind: { zh: '以凭据方式传给 systemd 的行看不到', en: 'cannot see lines that are handed to systemd as credentials' },
  group: 'persistence',
  scope: 'tree',
  everyMinutes: 60,
  async *run(context) {
    const seen = new Set<string>();
    const own = homes(context).map(({ home }) => `${home}/.config/user-tmpfiles.d`);
    for (const folder of [...tmpfilesFolders, ...userFolders, ...own]) yield* files(folder, context, seen, tmpfile);
    for (const folder of sysusersFolders) yield* files(folder, context, seen, sysuser);
  },
};

type Read = (words: readonly string[], path: string, context: ScanContext) => Promise<{ level: Level; text: Text; kind: Finding['kind'] } | undefined>;

async function* files(folder: string, context: ScanContext, seen: Set<string>, read: Read): AsyncIterable<Finding> {
  for (const path of listHook(context, folder)) {
    const real = context.tree.real(path) ?? path;
    if (!path.endsWith('.conf') || seen.has(real) || await isShipped(context, path)) continue;
    seen.add(real);
    const file = readHook(context, path);
    if (!file) continue;
    const open = folder.startsWith('/home') || folder.includes('/.config/') ? undefined : writableFinding(place, context, path, file.stat);
    if (open) yield open;
    for (const { line, text } of linesOf(file.text)) {
      const words = splitLine(text);
      const said = await read(words, path, context);
      if (said) {
        yield finding('tmpfiles-sysusers', `${path}\0${text.trim()}`, {
          kind: said.kind, level: said.level, path, time: file.stat.changed, title: said.text, evidence: [lineFact(path, line, text.trim())], means: place.means,
          fix: { text: { zh: `去掉 ${path} 第 ${line} 行`, en: `take out line ${line} of ${path}` }, commands: [] }, refs: place.refs,
        });
      }
      // What it writes may be a script.
      const content = contentOf(words);
      if (content === undefined || said) continue;
      const found = judgedFinding(place, { path, key: text.trim(), judged: await judgeText(content, context), evidence: [lineFact(path, line, text.trim())], time: file.stat.changed, fix: { zh: `去掉 ${path} 第 ${line} 行`, en: `take out line ${line} of ${path}` } });
      if (found) yield found;
    }
  }
}

/** Places from which something is run or let in. */
const planted = /^\/(?:etc\/(?:ld\.so\.preload|cron|crontab|sudoers|systemd\/|passwd|shadow|group|profile|rc\.local|init\.d\/|pam\.d\/|ssh\/|udev\/|apt\/apt\.conf|update-motd\.d\/|bash\.bashrc|environment|sysctl)|var\/spool\/cron\/|(?:root|home\/[^/]+)\/\.(?:ssh\/|bashrc|profile|bash_profile|zshrc)|(?:usr\/)?s?bin\/|usr\/local\/s?bin\/|lib\/systemd\/|usr\/lib\/systemd\/)/;

/** Who writes these decides who is root or what every program loads. */
const grave = /ld\.so\.preload|\.ssh\/|sudoers|passwd|shadow/;

const contentOf = ([type = '', , , , , , ...rest]: readonly string[]): string | undefined => (/^[fFwc]/.test(type) && rest.length > 0 && rest[0] !== '-' ? decode(type, rest.join(' ')) : undefined);
const decode = (type: string, text: string): string => (type.includes('~') ? Buffer.from(text, 'base64').toString('utf8') : text.replaceAll('\\n', '\n'));

/** `type path mode user group age argument`. */
async function tmpfile([type = '', path = '', mode = '', user = '', , , ...rest]: readonly string[], _from: string, context: ScanContext): ReturnType<Read> {
  const argument = rest.join(' ');
  const bits = /^[:~]*([0-7]{3,4})$/.exec(mode)?.[1];
  const value = bits === undefined ? 0 : Number.parseInt(bits, 8);
  const isRoot = user === 'root' || user === '0' || user === '-' || user === '';
  const letter = type[0] ?? '';
  if ((value & 0o4000) !== 0 && isRoot && 'fFCzZmL'.includes(letter)) return { kind: 'intrusion', level: interpreters.test(baseName(path)) || interpreters.test(baseName(argument)) ? 'critical' : 'high', text: { zh: `每次开机都把 ${path} 设成 root 的 SUID 程序`, en: `each boot makes ${path} a set-uid program of root` } };
  if ('zZmfF'.includes(letter) && (value & 0o006) !== 0 && /^\/etc\/(?:shadow|gshadow)/.test(path)) return { kind: 'weakness', level: 'high', text: { zh: `每次开机都放开 ${path} 的权限`, en: `each boot opens ${path} to others` } };
  if ('zZmfF'.includes(letter) && (value & 0o002) !== 0 && planted.test(path)) return { kind: 'weakness', level: 'high', text: { zh: `每次开机都让任何人能改 ${path}`, en: `each boot lets anybody write ${path}` } };
  if (!planted.test(path)) return undefined;
  const from = letter === 'C' || letter === 'L' ? argument.replace(/^[-?]/, '') : '';
  if (from.startsWith('/usr/share/factory/')) return undefined;
  if (/^\/(?:tmp|var\/tmp|dev\/shm)\//.test(from)) return { kind: 'intrusion', level: 'high', text: { zh: `每次开机都从任何人能写的目录放一份 ${path}`, en: `each boot puts ${path} there from a folder that anybody may write to` } };
  if ('fFw'.includes(letter) && argument !== '' && argument !== '-') {
    const judged = await judgeText(decode(type, argument), context);
    return { kind: 'intrusion', level: judged.level === 'high' || judged.level === 'critical' || grave.test(path) ? 'high' : 'medium', text: { zh: `每次开机都往 ${path} 写内容`, en: `each boot writes to ${path}` } };
  }
  if ('CL'.includes(letter) && from !== '' && grave.test(path)) return { kind: 'intrusion', level: 'high', text: { zh: `每次开机都重新放置 ${path}`, en: `each boot puts ${path} there again` } };
  return 'CL'.includes(letter) && from !== '' ? { kind: 'notice', level: 'low', text: { zh: `每次开机都重新放置 ${path}`, en: `each boot puts ${path} there again` } } : undefined;
}

/** `u name id gecos home shell`, `m user group`. */
async function sysuser([type = '', name = '', id = '', , , shell = '']: readonly string[]): ReturnType<Read> {
  if (type.startsWith('u') && /^0(?:[:/]|$)/.test(id) && name !== 'root') return { kind: 'intrusion', level: 'high', text: { zh: `每次开机都建一个 UID 为 0 的账号 ${name}`, en: `each boot makes the account ${name} with the number 0: another root` } };
  if (type === 'm' && /^(?:sudo|wheel|root|admin|docker|lxd|shadow|disk)$/.test(id)) return { kind: 'weakness', level: 'medium', text: { zh: `每次开机都把 ${name} 加进 ${id} 组`, en: `each boot puts ${name} into the group ${id}` } };
  return type.startsWith('u') && /\/(?:ba|da|z|k)?sh$/.test(shell) && name !== 'root' ? { kind: 'notice', level: 'low', text: { zh: `每次开机都保证账号 ${name} 能登录`, en: `each boot makes sure that the account ${name} can log on` } } : undefined;
}
