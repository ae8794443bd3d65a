/** Something is mounted over a place from which things run or that lets people in: what lies beneath is hidden, what is shown can be anybody's. */
import { MoatError } from '../../core/error.ts';
import type { Text } from '../../core/text.ts';
import { placeById, placeOf, places, type Place } from '../../core/places.ts';
import { answerers, type Answerer } from '../../linux/file-systems.ts';
import { readMounts, type Mount } from '../../linux/mounts.ts';
import { fact, finding } from '../finding.ts';
import { upTo } from '../look.ts';
import type { PlaceCheck } from '../port.ts';
import { machineOf } from '../processes.ts';

const findingsMax = 200;
/** Where systems have partitions, subvolumes and images of their own: what is mounted there as a whole says nothing. */
const ordinary = new Set('/ /etc /usr /usr/local /usr/lib /usr/share /var /var/lib /var/spool /boot /boot/efi /boot/grub2 /root /home /run /run/user /srv /opt /data'.split(' '));

export const coveredPlace: PlaceCheck = {
  id: 'covered-place',
  title: { zh: '被挂载盖住的关键位置', en: 'places that a mount covers' },
  blind: { zh: '只看本机自己的挂载：进程在别的挂载命名空间里盖住的看不到；被盖住的原有内容也看不到，要卸载后再查', en: 'sees the mounts of the machine itself, not what a process covers in a mount namespace of its own; what lies beneath a mount is seen only once it is unmounted' },
  group: 'hiding',
  scope: 'machine',
  everyMinutes: 60,
  async *run(context) {
    const { procfs } = machineOf(context);
    const mounts = readMounts(procfs);
    if (!mounts) throw new MoatError('no-mounts', 'expected the list of mounts, it cannot be read whole', { zh: '读不到完整的挂载列表' });
    const answererOf = answerers(procfs);
    const covered = mounts.flatMap((mount) => { const place = placeUnder(mount.at); return place ? [{ mount, place, answerer: answererOf(mount.type, mount.at) }] : []; });
    for (const { mount, place, answerer } of upTo(context, covered, findingsMax, 'mounts over places beyond those listed')) yield found(mount, place, answerer);
  },
};

/** The place that a mount covers: it lies in it, or holds the whole of it. */
function placeUnder(at: string): Place | undefined {
  if (/^\/(?:proc|sys)(?:\/|$)/.test(at) || ordinary.has(at)) return undefined;
  const inside = placeOf(at) ?? placeOf(`${at}/x`) ?? (at.endsWith('/.ssh') ? placeOf(`${at}/authorized_keys`) : undefined);
  if (inside !== undefined) return placeById[inside];
  const path = at.replace(/^\/(lib(?:64)?|s?bin)(?=\/|$)/, '/usr/$1');
  // A pattern begins to hold at its star: what comes before it is one folder.
  return places.find((place) => place.paths.some((one) => one.replace(/\*.*$/s, '').startsWith(`${path}/`) && one.startsWith('/')));
}

function found({ at, type, device, options }: Mount, place: Place, answerer: Answerer): ReturnType<typeof finding> {
  const elsewhere = answerer === 'elsewhere';
  return finding('covered-place', `${at}\0${type}`, {
    kind: 'intrusion', level: elsewhere ? 'high' : 'medium', path: at,
    title: elsewhere
      ? { zh: `${at} 被不能查看的挂载（${type}）盖住：${place.name.zh}`, en: `${at} is covered by a mount that cannot be looked into (${type}): ${place.name.en}` }
      : { zh: `${at} 被挂载（${type}）盖住：${place.name.zh}`, en: `${at} is covered by a mount (${type}): ${place.name.en}` },
    evidence: [fact({ zh: '挂载', en: 'mount' }, `${device} ${at} ${type} ${options}`), fact({ zh: '这里的内容', en: 'what lies there' }, place.id)],
    means: meaning(place, elsewhere),
    fix: { text: { zh: '不是你挂的就卸载它（下面的命令会改动系统），再扫一次看下面原来有什么；并找出是谁挂的：/etc/fstab、*.mount 单元、计划任务', en: 'when it is not yours, unmount it (the command changes the system), scan again to see what lies beneath, and find who mounts it: /etc/fstab, *.mount units, jobs' }, commands: [['umount', '-l', at]] },
    refs: [`attack:${place.attack}`, 'attack:T1564'],
  });
}

function meaning({ meaning: { zh, en } }: Place, elsewhere: boolean): Text {
  return elsewhere
    ? { zh: `这个位置${zh}。应答这个挂载的程序或机器可以给系统一份、给查看者另一份。`, en: `What lies there ${en}. The program or machine that answers for this mount can give the system one thing and whoever looks another.` }
    : { zh: `这个位置${zh}。盖在上面的内容照常生效，原来的文件却看不到了；很少有系统这样用。`, en: `What lies there ${en}. What the mount shows takes effect and what lies beneath is hidden; few systems do that.` };
}
