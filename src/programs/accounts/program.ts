import type { Event, Program, ProgramDecoder } from '../../core/format.ts';
import { tell } from '../tell.ts';

/**
 * The shadow tools: accounts, groups and passwords made, changed and removed. `target_user` is the account
 * acted on, `uid` its number, `extra.group`, `extra.shell`, `extra.home` what the line says of them.
 */
export const accounts: Program = {
  id: 'accounts',
  title: { zh: '账号管理（useradd、passwd 等）', en: 'account tools (useradd, passwd …)' },
  tags: ['useradd', 'adduser', 'newusers', 'userdel', 'usermod', 'groupadd', 'groupdel', 'groupmod', 'gpasswd', 'passwd', 'chpasswd', 'chage', 'chfn', 'chsh', 'vipw', 'vigr'],
  open: (): ProgramDecoder => ({ decode }),
};

const name = "'?([^',]{1,256}?)'?";
const newUser = /^new user: name=([^,]{1,256}), UID=(\d{1,10}), GID=(\d{1,10})(?:, home=([^,]{0,1024}))?(?:, shell=([^,]{0,1024}))?/;
const newGroup = /^(?:new group: |group added to \/etc\/g?(?:group|shadow): )name=([^,]{1,256})(?:, GID=(\d{1,10}))?/;
const addToGroup = new RegExp(`^add ${name} to (?:shadow )?group ${name}$`);
const removeFromGroup = new RegExp(`^(?:delete|remove) ${name} from (?:shadow )?group ${name}$`);
const gpasswdAdd = /^user (.{1,256}) (added|removed) by (.{1,256}) (?:to|from) group (.{1,256}?)(?: in \/etc\/\S{1,64})?$/;
const gpasswdSet = /^members of group (.{1,256}) set by (.{1,256}) to (.{0,2048}?)(?: in \/etc\/\S{1,64})?$/;
const deleteUser = new RegExp(`^delete user ${name}$`);
const changeUser = /^change user '([^']{1,256})' ([A-Za-z]{1,16}(?: (?!from )[a-z]{1,16})?)(?: from '([^']{0,1024})' to '([^']{0,1024})')?/;
const rename = /^change user name '([^']{1,256})' to '([^']{1,256})'/;
const lock = /^(lock|unlock) user '([^']{1,256})' password/;
const passwdBy = /^password for '?(.{1,256}?)'? changed by '?(.{1,256}?)'?$/;
const aging = /^changed (?:password expiry|user information|user shell|user) ?(?:information |shell )?(?:for |of )?'?([^' ]{1,256})'?/;
const removedGroup = /^(?:removed (?:shadow )?group|group) '([^']{1,256})' (?:owned by|removed)/;

function decode(message: string, event: Event): boolean {
  const tag = (event.process_name ?? 'useradd').toLowerCase();
  const done = (action: string, user: string | undefined): true => {
    event.target_user = user;
    return tell(event, 'auth', tag, 'account', action, 'success');
  };
  let found = newUser.exec(message);
  if (found !== null) {
    event.uid = Number(found[2]);
    event.extra = { ...event.extra, gid: Number(found[3]), home: found[4], shell: found[5] };
    return done('user-add', found[1]);
  }
  found = newGroup.exec(message);
  if (found !== null) { event.extra = { ...event.extra, group: found[1], gid: found[2] === undefined ? undefined : Number(found[2]) }; return done('group-add', undefined); }
  found = addToGroup.exec(message);
  if (found !== null) { event.extra = { ...event.extra, group: found[2] }; return done('group-member-add', found[1]); }
  found = removeFromGroup.exec(message);
  if (found !== null) { event.extra = { ...event.extra, group: found[2] }; return done('group-member-remove', found[1]); }
  found = gpasswdAdd.exec(message);
  if (found !== null) {
    event.user = found[3];
    event.extra = { ...event.extra, group: found[4] };
    return done(found[2] === 'added' ? 'group-member-add' : 'group-member-remove', found[1]);
  }
  found = gpasswdSet.exec(message);
  if (found !== null) { event.user = found[2]; event.extra = { ...event.extra, group: found[1], members: found[3] }; return done('group-member-add', found[3]); }
  return decodeChange(message, event, done);
}

function decodeChange(message: string, event: Event, done: (action: string, user: string | undefined) => true): boolean {
  let found = deleteUser.exec(message);
  if (found !== null) return done('user-remove', found[1]);
  found = removedGroup.exec(message);
  if (found !== null) { event.extra = { ...event.extra, group: found[1] }; return done('group-remove', undefined); }
  found = rename.exec(message);
  if (found !== null) { event.extra = { ...event.extra, name: found[2] }; return done('user-change', found[1]); }
  found = lock.exec(message);
  if (found !== null) return done(found[1] === 'lock' ? 'user-lock' : 'user-unlock', found[2]);
  found = changeUser.exec(message);
  if (found !== null) {
    const what = found[2]!.toLowerCase();
    if (what === 'password') return done('password-change', found[1]);
    if (what === 'uid' && found[4] !== undefined && /^\d{1,10}$/.test(found[4])) event.uid = Number(found[4]);
    event.extra = { ...event.extra, [what]: found[4], before: found[3] };
    return done('user-change', found[1]);
  }
  found = passwdBy.exec(message);
  if (found !== null) { event.user = found[2]; return done('password-change', found[1]); }
  found = aging.exec(message);
  if (found !== null) return done('user-change', found[1]);
  if (/^failed (?:adding|to) /.test(message)) {
    event.target_user = /'([^']{1,256})'/.exec(message)?.[1];
    return tell(event, 'auth', event.process_name ?? 'useradd', 'account', 'account-change', 'failure');
  }
  return false;
}
