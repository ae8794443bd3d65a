/**
 * What the initramfs holds that no package of this system ships and nothing on it is: programs, scripts, libraries and modules of the
 * earliest boot. Their digests are held against those of all packages, then against the files of the same name on the disk.
 */
import type { Finding } from '../../core/finding.ts';
import { levels, type Level } from '../../core/level.ts';
import type { Text } from '../../core/text.ts';
import { readInitramfs } from '../../linux/initramfs.ts';
import { judgeText } from '../command.ts';
import { fact, finding, octal } from '../finding.ts';
import { attempt, attemptLong, filesOf, statOf, firstOf, upTo } from '../look.ts';
import type { PlaceCheck, ScanContext } from '../port.ts';
import { baseName } from '../shell-words.ts';
import { keepUnshipped, type Member } from './members.ts';
import { twinOf } from './twins.ts';

const folders = ['/boot', '/boot/efi', '/efi'];
const imageName = /^(?:initrd\.img|initramfs|initrd)(?:[-.][\w.+~-]{1,200})?$/;
/** Of a crash kernel, and what nobody boots by default. */
const aside = /kdump|rescue|fallback|\.(?:old|bak|dpkg-bak)$/;
const imagesMax = 8;
const imageBytes = 512 * 2 ** 20;
const toldMax = 30;
const hour = 3_600_000;

export const initramfs: PlaceCheck = {
  id: 'initramfs',
  title: { zh: 'initramfs 的内容', en: 'contents of the initramfs' },
  blind: {
    zh: '只看最新的八份；dracut 会剥去程序的符号，它们对不上软件包，不判断；软件包升级后没有重做的 initramfs 里的旧文件不判断；合在 EFI 程序里的不看；设置和数据文件不看',
    en: 'the eight newest only; programs that dracut stripped fit no package and are not judged, nor are files that a package has renewed since; not those inside an EFI program; no settings or data',
  },
  group: 'persistence',
  scope: 'tree',
  everyMinutes: 24 * 60,
  async *run(context) {
    const images = folders.flatMap((folder) => filesOf(context, folder)).flatMap((path) => {
      const stat = imageName.test(baseName(path)) ? statOf(context, path) : undefined;
      return stat?.kind === 'file' && stat.size > 0 ? [{ path, built: stat.modified, size: stat.size }] : [];
    }).sort((a, b) => Number(aside.test(a.path)) - Number(aside.test(b.path)) || b.built - a.built);
    for (const [i, image] of firstOf(context, '/boot', images, imagesMax).entries()) yield* one(image, i === 0 && !aside.test(image.path), context);
  },
};

interface Image { path: string; built: number; size: number }

async function* one({ path, built, size }: Image, newest: boolean, context: ScanContext): AsyncIterable<Finding> {
  if (size > imageBytes) { context.blind(path, { zh: '太大，没有解开', en: 'too large to be laid open' }); return; }
  const file = attempt(context, path, () => context.tree.open(path));
  if (!file) return;
  const members: Member[] = [];
  let dracut = false;
  try {
    await attemptLong(context, path, () => readInitramfs(file, context.signal, async (member) => {
      dracut ||= /^\/(?:usr\/)?lib\/dracut\//.test(member.path);
      await keepUnshipped(member, path, members, context);
    }));
  } finally { file.close(); }
  const left = await strangers(members, context);
  const found: Finding[] = [];
  for (const member of left) { const one = await judge(member, { path, built, newest, dracut }, context); if (one) found.push(one); }
  yield* upTo(context, found.sort((a, b) => levels.indexOf(b.level) - levels.indexOf(a.level)), toldMax, 'files of an initramfs beyond the limit');
}

/** Those whose content no package ships. */
async function strangers(members: readonly Member[], context: ScanContext): Promise<Member[]> {
  const byDigest = new Map<string, Member[]>();
  for (const member of members) for (const hex of member.digests.values()) byDigest.set(hex, [...byDigest.get(hex) ?? [], member]);
  const known = new Set<Member>();
  let n = 0;
  for (const { digest } of context.provenance.index?.files() ?? []) {
    for (const member of (digest && byDigest.get(digest.hex)) ?? []) known.add(member);
    if ((++n & 0xffff) === 0) { context.signal.throwIfAborted(); await new Promise((done) => { setImmediate(done); }); }
  }
  return members.filter((member) => !known.has(member));
}

interface Where { path: string; built: number; newest: boolean; dracut: boolean }

async function judge(member: Member, where: Where, context: ScanContext): Promise<Finding | undefined> {
  const twin = twinOf(member, context);
  if (twin.state === 'same') return undefined;
  const words = member.kind === 'script' ? await judgeText(member.text ?? '', context, { file: `${where.path}:${member.path}` }) : undefined;
  const hostile = words?.level !== undefined && words.kind === 'intrusion' && (words.level === 'high' || words.level === 'critical') ? words : undefined;
  const evidence = [fact({ zh: 'initramfs 里的文件', en: 'file of the initramfs' }, `${member.path} ${octal(member.mode)}, ${member.size} bytes`), ...(twin.path === undefined ? [] : [fact({ zh: '磁盘上的文件', en: 'file of the disk' }, twin.path)]), ...(hostile?.reasons.slice(0, 5).map((one) => one.evidence) ?? [])];
  const say = (kind: Finding['kind'], level: Level, text: Text): Finding => finding('initramfs', `${where.path}\0${member.path}`, {
    kind, level, path: where.path, time: where.built, title: { zh: `${where.path} 里的 ${member.path}：${text.zh}`, en: `${member.path} of ${where.path}: ${text.en}` }, evidence,
    means: { zh: 'initramfs 在系统启动之前就运行，这里的后门重装软件包也去不掉。', en: 'The initramfs runs before the system does: a back door in it outlives the installation of packages anew.' },
    fix: { text: { zh: '留一份作证据，再重新生成', en: 'keep a copy as evidence, then make it anew' }, commands: [['cp', '--preserve=all', '--', where.path, '/root/'], where.dracut ? ['dracut', '--force', where.path] : ['update-initramfs', '-u', '-k', 'all']] },
    refs: ['attack:T1542', 'attack:T1037', ...(hostile?.reasons.slice(0, 3).flatMap(({ attack }) => attack.map((id) => `attack:${id}`)) ?? [])],
  });
  if (hostile) return say('intrusion', hostile.level!, { zh: hostile.reasons[0]!.text.zh, en: hostile.reasons[0]!.text.en });
  // dracut makes scripts by itself and strips programs; an image that is not the newest was made of packages that were here then.
  if (where.dracut) { context.count('files of an initramfs that cannot be judged: dracut changes and makes them'); return undefined; }
  if (!context.provenance.known && twin.state === 'none') { context.count('files of an initramfs that cannot be judged: no package database'); return undefined; }
  switch (twin.state) {
    case 'differs':
      if (twin.changed === undefined || twin.changed > where.built - hour) { context.count('files of an initramfs that cannot be judged: renewed on the disk since'); return undefined; }
      return say('intrusion', where.newest ? 'high' : 'medium', { zh: '与磁盘上的不一样，而磁盘上的在它生成之后没变过', en: 'is not what lies on the disk, which did not change since it was made' });
    case 'renewed': context.count('files of an initramfs that cannot be judged: renewed on the disk since'); return undefined;
    case 'none': return where.newest ? say('intrusion', 'medium', { zh: '没有软件包带它，磁盘上也没有', en: 'no package ships it, and it is not on the disk' }) : say('notice', 'low', { zh: '现在的软件包都不带它，磁盘上也没有', en: 'no package of now ships it, and it is not on the disk' });
  }
}
