/** Log-ons by SSH that followed many failed ones from the same address: on a disk the best that tells how somebody came in. */
import type { Finding } from '../../core/finding.ts';
import type { Level } from '../../core/level.ts';
import { fact, finding, lineFact } from '../finding.ts';
import type { PlaceCheck, ScanContext } from '../port.ts';
import { isLoopback, isPrivate } from '../reach.ts';
import { byPassword, Guesses, type Guess } from './guesses.ts';
import { emptiedRecords } from './records.ts';
import { logonLogs, type LogLine, type LogonLog } from './logs.ts';

/** Where sshd's lines stand: Debian, Red Hat, SUSE and Alpine. */
const logs = ['/var/log/auth.log', '/var/log/secure', '/var/log/messages'];
const addressesMax = 10_000;
const namesShown = 10;
/** So many are looked for one by one. */
const few = 16;

export const guessedLogon: PlaceCheck = {
  id: 'guessed-logon',
  title: { zh: '猜中密码的登录', en: 'log-ons by a guessed password' },
  blind: { zh: '只看 SSH 和最近 128 MiB 日志；许多地址各试几次、隔几分钟才试一次，或日志已不在的，看不出来', en: 'SSH alone, and of its logs the newest 128 MiB; guessing from many addresses with a few attempts each, with minutes between attempts, or whose logs are gone is not seen' },
  group: 'access',
  scope: 'tree',
  everyMinutes: 6 * 60,
  async *run(context) {
    const told = new Set<string>();
    let wiped = false;
    for await (const guess of logonLogs(context, logs, (log) => guessesIn(log, context))) {
      const key = `${guess.address}\0${guess.user}`;
      if (told.has(key)) continue;
      told.add(key);
      yield found(guess);
      if (isSure(guess) && !wiped) { wiped = true; yield* emptiedRecords(guess, context); }
    }
  },
};

const isSure = ({ sure, known }: Guess): boolean => sure && !known;

/** First the addresses that logged on by password, then what else these did: most lines of a flood belong to others and are passed over. */
function guessesIn(log: LogonLog, context: ScanContext): readonly Guess[] {
  const addresses = new Set<string>();
  const accepted = log.reader();
  for (const line of log.lines()) {
    if (!/Accepted |auth succeeded/.test(line.text)) continue;
    for (const { action, outcome, method, source_ip: address } of accepted(line)) {
      if (action !== 'login' || outcome !== 'success' || address === undefined || !byPassword(method)) continue;
      if (addresses.size < addressesMax || addresses.has(address)) addresses.add(address);
      else context.count('addresses of log-ons beyond the limit');
    }
  }
  if (addresses.size === 0) return [];
  const guesses = new Guesses();
  const read = log.reader();
  for (const line of log.lines()) if (names(line.text, addresses)) for (const event of read(line)) guesses.add(event, line);
  if (guesses.left > 0) context.count('guessed log-ons beyond the limit', guesses.left);
  return guesses.found;
}

/** Words of a line, cut where none that is part of an address ends. */
function names(text: string, addresses: ReadonlySet<string>): boolean {
  if (addresses.size <= few) { for (const address of addresses) if (text.includes(address)) return true; return false; }
  for (const [word] of text.matchAll(/[^\s=<>()[\],;"'`]{3,255}/g)) if (addresses.has(word) || addresses.has(word.replace(/^::ffff:|:\d{1,5}$/gi, ''))) return true;
  return false;
}

const shownLine = ({ path, line, text }: LogLine): Finding['evidence'][number] => {
  const utf8 = Buffer.from(text, 'latin1').toString('utf8');
  return line > 0 ? lineFact(path, line, utf8) : { ...fact({ zh: `${path} 里`, en: `in ${path}` }, utf8), path };
};

function found(guess: Guess): Finding {
  const { user, address, time, attempts, names: tried, known, since, first, last, accepted, again } = guess;
  const inside = isLoopback(address) || isPrivate(address);
  const sign = isSure(guess);
  const level: Level = !sign ? 'low' : inside ? 'medium' : 'high';
  return finding('guessed-logon', `${address}\0${user}`, {
    kind: sign ? 'intrusion' : 'notice', level, user, address, time,
    title: sign
      ? { zh: `${address} 猜中 ${user} 的 SSH 密码：失败 ${attempts} 次后登录成功`, en: `${address} guessed the SSH password of ${user}: logged on after ${attempts} failed attempts` }
      : { zh: `${address} 登录失败 ${attempts} 次后以 ${user} 登录成功`, en: `${address} logged on as ${user} after ${attempts} failed attempts` },
    evidence: [
      shownLine(first), shownLine(last), shownLine(accepted),
      fact({ zh: '失败次数', en: 'failed attempts' }, `${attempts}, ${new Date(since).toISOString()} – ${new Date(time).toISOString()}`),
      fact({ zh: '试过的账号', en: 'accounts tried' }, `${tried.slice(0, namesShown).join(' ')}${tried.length > namesShown ? ` … (${tried.length})` : ''}`),
      ...(again > 0 ? [fact({ zh: '此后又从那里登录', en: 'log-ons from there since' }, String(again))] : []),
    ],
    means: sign
      ? { zh: '没有人会这样输错自己的密码：是程序在猜，而且猜中了。从这一刻起这个账号在别人手里，之后出现的东西多半是他放的。', en: 'Nobody mistypes a password of their own like that: a program guessed, and it succeeded. From that moment the account is in other hands, and what appeared afterwards is most likely theirs.' }
      : { zh: known ? '这个地址先前用同一账号登录过，多半是自己人或存着旧密码的程序；几个人共用一个地址时也可能是别人猜中的。' : '失败得很慢、账号也少，多半是存着旧密码的程序；也可能是慢慢猜的。', en: known ? 'The address had logged on as the same account before: most likely one of yours, or a program that held an old password; where many share an address it may have been guessed.' : 'The attempts came slowly and for few accounts: most likely a program that held an old password; or somebody who guesses slowly.' },
    fix: {
      text: sign ? { zh: `马上改 ${user} 的密码、结束它的会话、封掉 ${address}，再看 ${new Date(time).toISOString()} 之后变了什么；SSH 改用密钥登录`, en: `change the password of ${user} now, end its sessions, block ${address}, and see what changed after ${new Date(time).toISOString()}; let SSH take keys alone` } : { zh: `问清 ${address} 是谁；SSH 改用密钥登录`, en: `find out whose ${address} is; let SSH take keys alone` },
      // A name that passwd would take for an option is nobody's.
      commands: sign && /^[a-z_][\w.-]{0,31}$/i.test(user) ? [['passwd', user]] : [],
    },
    refs: sign ? ['attack:T1110.001', 'attack:T1078.003', 'dengbao:8.1.4.1'] : [],
  });
}
