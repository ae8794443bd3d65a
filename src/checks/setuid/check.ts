/** Programs that run with the rights of their owner or group: none but those that packages ship so. */
import { atLeast, type Level } from '../../core/level.ts';
import type { Visitor, WalkCheck } from '../port.ts';
import { fact, finding, octal } from '../finding.ts';
import { interpreters, baseName } from '../shell-words.ts';

const setUid = 0o4000;
const setGid = 0o2000;
const anyExecute = 0o111;

export const setuid: WalkCheck = {
  id: 'setuid',
  title: { zh: 'SUID/SGID 程序', en: 'set-uid and set-gid programs' },
  blind: { zh: '挂载时带 nosuid 的分区上也会列出', en: 'tells them on nosuid mounts too, where they do not work' },
  group: 'files',
  scope: 'tree',
  everyMinutes: 24 * 60,
  walk({ provenance }): Visitor {
    return {
      wants: ({ stat }) => stat.kind === 'file' && ((stat.mode & setUid) !== 0 || ((stat.mode & setGid) !== 0 && (stat.mode & anyExecute) !== 0)),
      async *look({ path, stat }) {
        const owner = await provenance.owner(path);
        if (owner && owner.state !== 'modified') return;
        const toRoot = (stat.mode & setUid) !== 0 && stat.uid === 0;
        const name = baseName(path);
        const level: Level = toRoot ? (interpreters.test(name) || owner || /^\/(?:tmp|var\/tmp|dev\/shm|home|root|var\/www)\//.test(path) ? 'critical' : 'high') : 'medium';
        if (!provenance.known && !atLeast(level, 'critical')) return;
        yield finding('setuid', path, {
          kind: 'intrusion', level, path,
          title: toRoot
            ? { zh: `${path} 让任何人以 root 身份运行它，而没有软件包这样装它`, en: `${path} runs as root for anybody, and no package ships it so` }
            : { zh: `${path} 以别人的身份运行，而没有软件包这样装它`, en: `${path} runs with another's rights, and no package ships it so` },
          evidence: [fact({ zh: '权限', en: 'mode' }, `${octal(stat.mode)} ${stat.uid}:${stat.gid}`), ...(owner ? [fact({ zh: '所属软件包', en: 'package' }, `${owner.name} ${owner.version}, ${owner.state}`)] : [])],
          means: { zh: '留一个 root 的 SUID 程序，是拿到过 root 的人最省事的后门：普通账号一运行它就又是 root。', en: 'A set-uid program of root is the simplest back door of somebody who was root once: any account that runs it is root again.' },
          fix: { text: { zh: '先取消 SUID 位，再查它从何而来', en: 'take the bit away, then see where it came from' }, commands: [['chmod', 'u-s,g-s', path]] },
          refs: ['attack:T1548.001'],
          time: stat.changed,
        });
      },
    };
  },
};
