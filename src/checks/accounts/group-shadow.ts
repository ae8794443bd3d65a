/** /etc/gshadow: passwords that let anybody into a group, members and managers whom /etc/group does not show. */
import type { Finding, FindingKind } from '../../core/finding.ts';
import type { Level } from '../../core/level.ts';
import { fact, finding } from '../finding.ts';
import { linesIn, targetStat } from '../look.ts';
import type { ScanContext } from '../port.ts';
import { hasPassword } from '../shadow.ts';

const file = '/etc/gshadow';
const namesOf = (list: string): string[] => list.split(',').map((one) => one.trim()).filter((one) => one !== '');

/** `members` by group as /etc/group has them; `strong` are the groups that are as good as root. */
export function* groupShadowFindings(members: ReadonlyMap<string, ReadonlySet<string>>, strong: ReadonlySet<string>, context: ScanContext): Iterable<Finding> {
  const time = targetStat(context, file)?.changed;
  for (const { number, text } of linesIn(context, file, { max: 16 << 20 })) {
    const fields = text.split(':');
    const [name = '', password = '', managers = '', listed = ''] = fields;
    if (/^[+-]/.test(name)) continue;
    // The line holds a hash: only its place is shown.
    const place = fact({ zh: '位置', en: 'place' }, `${file}:${number}`);
    const say = (key: string, kind: FindingKind, level: Level, zh: string, en: string, evidence: Finding['evidence'], command: string[], user?: string): Finding => finding('accounts', `gshadow\0${name}\0${key}`, {
      kind, level, path: file, time, ...(user !== undefined && { user }), title: { zh, en }, evidence: [place, ...evidence],
      means: { zh: 'newgrp 命令看的是 gshadow：有组密码的人、只写在 gshadow 里的成员，都能随时进这个组，而在 /etc/group 里看不出来。', en: 'newgrp goes by gshadow: whoever knows a group\'s password, and members who stand there alone, enter the group at will, and /etc/group does not show it.' },
      fix: { text: { zh: '不是自己设的就去掉', en: 'take it out unless you set it' }, commands: command.length > 0 ? [command] : [] }, refs: ['attack:T1098', 'dengbao:8.1.4.2'],
    });
    if (fields.length !== 4 || name === '') { yield say(`${number}`, 'weakness', 'low', `${file} 第 ${number} 行不成格式`, `line ${number} of ${file} is malformed`, [], []); continue; }
    const root = strong.has(name);
    if (hasPassword({ password })) yield say('password', 'weakness', root ? 'high' : 'medium', `组 ${name} 设了密码：知道密码的人都能进组`, `the group ${name} has a password: whoever knows it may enter`, [fact({ zh: '组里给的权力', en: 'as good as root' }, root ? 'yes' : 'no')], ['gpasswd', '--remove-password', name]);
    const shown = members.get(name);
    for (const user of new Set(namesOf(listed))) {
      if (user === 'root' || shown?.has(user) === true) continue;
      yield say(`member\0${user}`, 'weakness', root ? 'medium' : 'low', `${user} 只在 gshadow 里是组 ${name} 的成员`, `${user} is a member of the group ${name} in gshadow alone`, [fact({ zh: '/etc/group 里的成员', en: 'members in /etc/group' }, shown === undefined ? 'no such group' : [...shown].slice(0, 50).join(',') || '-')], ['gpasswd', '--delete', user, name], user);
    }
    if (root) for (const user of new Set(namesOf(managers))) {
      if (user !== 'root') yield say(`manager\0${user}`, 'weakness', 'medium', `${user} 能往组 ${name} 里加人`, `${user} may put people into the group ${name}`, [fact({ zh: '管理员', en: 'managers' }, managers.slice(0, 200))], ['gpasswd', '--administrators', 'root', name], user);
    }
  }
}
