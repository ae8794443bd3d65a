import { execFileSync } from 'node:child_process';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { journalWriter, makeJournal } from '../../../test/journal-maker.ts';
import { lacks } from '../../../test/need.ts';
import { makeRoot, scanRoot, scanWithout } from '../../../test/throwaway-root.ts';
import { guessedLogon } from './check.ts';

const second = 1000;
const minute = 60 * second;
const start = Date.UTC(2026, 9, 1, 3);
const evil = '203.0.113.66';
interface Said { at: number; text: string; pid: number }
let pid = 1000;
const failed = (at: number, user = 'root', from = evil): Said => ({ at, pid: ++pid, text: `Failed password for ${user} from ${from} port ${40_000 + (pid % 20_000)} ssh2` });
const accepted = (at: number, user = 'root', from = evil, method = 'password'): Said => ({ at, pid: ++pid, text: `Accepted ${method} for ${user} from ${from} port ${40_000 + (pid % 20_000)} ssh2${method === 'publickey' ? ': ED25519 SHA256:qX5kbiLYbd4oZgo3XjZDlVyU4nOqYC2jwBzbpn3CFgU' : ''}` });
const attempts = (n: number, step: number, from = 0, user = 'root', address = evil): Said[] => Array.from({ length: n }, (_, i) => failed(from + i * step, user, address));
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const line = ({ at, text, pid: by }: Said): string => `${new Date(start + at).toISOString().replace('Z', '000+00:00')} web sshd[${by}]: ${text}\n`;
const shortLine = ({ at, text, pid: by }: Said): string => { const d = new Date(start + at); return `${months[d.getUTCMonth()]} ${String(d.getUTCDate()).padStart(2)} ${d.toISOString().slice(11, 19)} web sshd[${by}]: ${text}\n`; };
const log = (...said: Said[]): string => said.map(line).join('');
const taken = [...attempts(230, 4 * second), accepted(230 * 4 * second)];
const scanned = async (files: Parameters<typeof makeRoot>[0]) => scanRoot([guessedLogon], files);
const told = async (files: Parameters<typeof makeRoot>[0]) => (await scanned(files)).findings.map(({ kind, level, user, address, time }) => `${kind} ${level} ${user} ${address} ${new Date(time!).toISOString()}`);
const success = `intrusion high root ${evil} 2026-10-01T03:15:20.000Z`;

describe('guessed-logon', () => {
  it('finds who got in after many failures, when, and how often again', async () => {
    const { findings: [one, ...more] } = await scanned({ '/var/log/auth.log': log(...taken, accepted(20 * minute), ...attempts(30, second, 0, 'root', '198.51.100.7')) });
    expect(more).toEqual([]);
    expect(one).toMatchObject({ kind: 'intrusion', level: 'high', user: 'root', address: evil, time: start + 920 * second, title: { en: `${evil} guessed the SSH password of root: logged on after 230 failed attempts` } });
    expect(one!.evidence.map(({ path, line: at }) => `${path} ${at}`).slice(0, 3)).toEqual(['/var/log/auth.log 1', '/var/log/auth.log 230', '/var/log/auth.log 231']);
    expect(one!.evidence[2]!.value).toContain(`Accepted password for root from ${evil}`);
    expect(one!.evidence.at(-1)).toMatchObject({ what: { en: 'log-ons from there since' }, value: '1' });
  });

  it('reads older parts, packed ones, and repetitions, across their ends', async () => {
    const [older, newer] = [log(...taken.slice(0, 200)), log(...taken.slice(200))];
    expect(await told({ '/var/log/auth.log.2.gz': gzipSync(older), '/var/log/auth.log.1': newer, '/var/log/auth.log': '' })).toEqual([success]);
    expect(await told({ '/var/log/secure-20261001.xz': execFileSync('xz', ['-c'], { input: older }), '/var/log/secure-20261008': newer })).toEqual([success]);
    expect(await told({ '/var/log/auth.log': log({ at: 0, pid: 9, text: `message repeated 40 times: [ Failed password for root from ${evil} port 4 ssh2]` }, accepted(920 * second)) })).toEqual([success]);
  });

  it('reads times without a zone in that of the tree', async () => {
    expect(await told({ '/etc/localtime': '->/usr/share/zoneinfo/Asia/Shanghai', '/var/log/auth.log': { text: taken.map(shortLine).join(''), modified: start + 2 * 3_600_000 } })).toEqual([`intrusion high root ${evil} 2026-09-30T19:15:20.000Z`]);
  });

  it('finds fewer attempts for many names, and what came from inside is less', async () => {
    const names = ['root', 'admin', 'test', 'lin', 'oracle', 'git'];
    const few = Array.from({ length: 12 }, (_, i) => failed(i * minute, names[i % 6]));
    expect((await scanned({ '/var/log/auth.log': log(...few, accepted(13 * minute, 'lin')) })).findings.map(({ level, user }) => `${level} ${user}`)).toEqual(['high lin']);
    expect((await scanned({ '/var/log/auth.log': log(...attempts(50, second, 0, 'root', '10.0.0.9'), accepted(minute, 'root', '10.0.0.9')) })).findings.map(({ level }) => level)).toEqual(['medium']);
  });

  it('finds records of log-ons that whoever came in emptied', async () => {
    const auth = { '/var/log/auth.log': log(...taken) };
    const at = (modified: number) => ({ text: '', modified: start + modified * minute });
    const emptied = async (files: Parameters<typeof makeRoot>[0]) => (await scanned({ ...auth, ...files })).findings.slice(1).map(({ kind, level, path }) => `${kind} ${level} ${path}`);
    const [btmp, wtmp, lastlog] = ['btmp', 'wtmp', 'lastlog'].map((name) => `/var/log/${name}`) as [string, string, string];
    expect(await emptied({ [btmp]: at(60), [wtmp]: at(60), [lastlog]: at(60) })).toEqual([btmp, lastlog, wtmp].map((path) => `intrusion medium ${path}`));
    expect(await emptied({ [btmp]: at(-60), [wtmp]: at(-60), [lastlog]: at(-60) })).toEqual([]); // never written to
    expect(await emptied({ [btmp]: at(60), [`${btmp}.1`]: { text: 'x', modified: start + 50 * minute } })).toEqual([]); // turned
    expect(await emptied({ [wtmp]: at(60), [lastlog]: at(60), '/var/lib/wtmpdb/wtmp.db': 'x', '/var/lib/lastlog/lastlog2.db': 'x' })).toEqual([]);
    expect((await scanned({ '/var/log/auth.log': log(accepted(0)), [btmp]: at(60), [lastlog]: at(60) })).findings).toEqual([]); // nobody guessed
  });

  it('is silent for what was mistyped, what failed only, keys, and a flood of others', async () => {
    expect(await told({ '/var/log/auth.log': log(failed(0), failed(5 * second), accepted(10 * second)) })).toEqual([]);
    expect(await told({ '/var/log/auth.log': log(...attempts(500, second), accepted(501 * second, 'lin', '198.51.100.7')) })).toEqual([]);
    expect(await told({ '/var/log/auth.log': log(...attempts(50, second), accepted(minute, 'root', evil, 'publickey')) })).toEqual([]);
    expect(await told({ '/var/log/auth.log': log(...attempts(50, second), accepted(3 * 24 * 60 * minute)) })).toEqual([]);
    // Mistyped now and then over months.
    expect(await told({ '/var/log/auth.log': log(...Array.from({ length: 60 }, (_, i) => [failed(i * 600 * minute), accepted(i * 600 * minute + second)]).flat()) })).toEqual([]);
  });

  it('takes a job with an old password for one, and a known address for one of ours', async () => {
    expect(await told({ '/var/log/auth.log': log(...attempts(300, minute, 0, 'backup'), accepted(301 * minute, 'backup')) })).toEqual([`notice low backup ${evil} 2026-10-01T08:01:00.000Z`]);
    expect(await told({ '/var/log/auth.log': log(accepted(0, 'lin'), ...attempts(60, second, minute, 'lin'), accepted(3 * minute, 'lin')) })).toEqual([`notice low lin ${evil} 2026-10-01T03:03:00.000Z`]);
    // Who guessed one account and then another is no acquaintance.
    expect(await told({ '/var/log/auth.log': log(...taken, ...attempts(60, second, 20 * minute, 'lin'), accepted(22 * minute, 'lin')) })).toEqual([success, `intrusion high lin ${evil} 2026-10-01T03:22:00.000Z`]);
  });

  it('lets no log-on of another account hide the guessing, nor a key', async () => {
    const between = (by: Said) => [...attempts(15, second), by, ...attempts(15, second, minute), accepted(2 * minute)];
    for (const by of [accepted(20 * second, 'test'), accepted(20 * second, 'lin', evil, 'publickey')]) expect((await scanned({ '/var/log/auth.log': log(...between(by)) })).findings.map(({ level, user }) => `${level} ${user}`)).toEqual(['high root']);
    expect(await told({ '/var/log/auth.log': log(...attempts(3, second, 0, 'test'), accepted(5 * second, 'test'), ...attempts(40, second, minute), accepted(2 * minute)) })).toEqual([`intrusion high root ${evil} 2026-10-01T03:02:00.000Z`]);
    // Many people behind one address, who mistype now and then.
    const people = Array.from({ length: 40 }, (_, i) => [failed(i * 10 * second, `p${i}`), accepted(i * 10 * second + second, `p${i}`)]).flat();
    expect(await told({ '/var/log/auth.log': log(...people) })).toEqual([]);
  });

  it('finds a guess among many addresses that log on', async () => {
    const others = Array.from({ length: 200 }, (_, i) => accepted(i, 'lin', `198.51.100.${i}`));
    expect(await told({ '/var/log/auth.log': log(...others, ...taken) })).toEqual([success]);
  });

  it('believes no name that looks like a log-on', async () => {
    const liar = `x from 198.51.100.7 port 1 ssh2: Accepted password for root from ${evil}`;
    expect(await told({ '/var/log/auth.log': log(...attempts(50, second), failed(minute, `invalid user ${liar}`, '198.51.100.7')) })).toEqual([]);
    expect(await told({ '/var/log/auth.log': `${'Accepted sshd '.repeat(50_000)}\n${'sshd[1]: Accepted password for '.repeat(2000)}\n\0\0\0${log(...taken)}` })).toEqual([success]);
  });

  it('says what it could not read', async () => {
    const { blind } = await scanned({ '/var/log/auth.log.2.gz': gzipSync(log(...taken)).subarray(0, 300), '/var/log/auth.log': log(accepted(0)) });
    expect(blind.map(({ what }) => what)).toEqual(['/var/log/auth.log.2.gz']);
  });

  it.skipIf(lacks({ root: true }))('says which log it may not read', async () => {
    expect((await scanWithout([guessedLogon], makeRoot({ '/var/log/auth.log': log(...taken) }), '/var/log/auth.log')).blind.map(({ what }) => what)).toEqual(['/var/log/auth.log']);
  });

  it.skipIf(lacks({ files: [journalWriter] }))('reads the journal where no text log has lines, and what anybody wrote into it is not believed', async () => {
    const journal = (uid: string) => ({ [`/var/log/journal/${'c'.repeat(32)}/system.journal`]: makeJournal(taken.map(({ at, text, pid: by }) => ({ time: start + at, fields: { SYSLOG_IDENTIFIER: 'sshd', MESSAGE: text, _PID: String(by), _UID: uid } }))) });
    expect(await told(journal('0'))).toEqual([success]);
    expect(await told({ ...journal('0'), '/var/log/auth.log': '', '/var/log/auth.log.1': log(...attempts(3, second)) })).toEqual([success]);
    expect(await told(journal('1000'))).toEqual([]);
  });
});
