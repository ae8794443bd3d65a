/** Settings of Redis: the last line that says it counts. The running one is told by CONFIG SET; what it was started with is tried on a socket of its own. */
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { basename, dirname, join } from 'node:path';
import type { ActionErrorCode } from '../../core/action.ts';
import { MoatError } from '../../core/error.ts';
import { runAsIf } from '../../linux/as-if.ts';
import type { Endpoint } from '../../linux/listeners.ts';
import { behind, judgeOf, type Service, shownLine } from './service.ts';
import { knownSettings } from './known.ts';

const answerMs = 3000;
const answerMax = 64 * 1024;
/** So that the trial touches nothing of the real one: no port, no socket, no data, no log. */
const nowhere = ['--port', '0', '--tls-port', '0', '--unixsocket', '', '--daemonize', 'no', '--supervised', 'no', '--appendonly', 'no', '--save', '', '--logfile', '', '--pidfile', '', '--cluster-enabled', 'no', '--dir', '/'];

export const redis: Service = {
  title: 'Redis',
  configs: () => ['/etc/redis/redis.conf', '/etc/redis.conf', '/www/server/redis/redis.conf', '/usr/local/redis/redis.conf'],

  find({ root, config, key, value }) {
    const path = behind(root, config), lines = readFileSync(join(root, config), 'latin1').split('\n');
    const at = lines.findLastIndex((line) => wordsOf(line)[0] === key);
    const known = knownSettings.redis.find((one) => one.key === key)!;
    if (at < 0) return { path, edit: { line: lines.at(-1) === '' ? lines.length : lines.length + 1, next: `${key} ${value}` }, others: [] };
    const old = lines[at]!;
    if (wordsOf(old).slice(1).join(' ') === value) throw new MoatError<ActionErrorCode>('not-there', `${shownLine(known, old)} stands already (${path}:${at + 1})`, { text: { zh: `已是如此（${path}:${at + 1}）`, en: `${shownLine(known, old)} stands already (${path}:${at + 1})` } });
    const included = lines.findLastIndex((line) => wordsOf(line)[0] === 'include');
    const others = included > at ? [{ text: { zh: `注意：第 ${included + 1} 行的 include 在它之后，可能另有说法`, en: `mind: the include in line ${included + 1} comes after it and may say otherwise` } }] : [];
    return { path, edit: { line: at + 1, old, next: `${/^\s*/.exec(old)![0]}${key} ${value}` }, others, former: wordsOf(old).slice(1).join(' ') };
  },

  facts(root, config) {
    const said = lastOf(join(root, config), 'pidfile');
    return { ...(said !== undefined && said !== '' && { pidFile: join(root || '/', said) }), programs: /\/(?:redis|valkey)-(?:server|check-rdb)$/ };
  },

  async complaint({ run, procfs }, { root, config }, swap, program, pid) {
    const main = join(root || '/', config);
    // It has no check of its own. One that is to listen nowhere reads all of its configuration, says so, and ends.
    const { code, stdout, stderr } = await runAsIf(run, { ...swap, alone: true, as: judgeOf(procfs, main, pid) }, serverOf(program), [main, ...nowhere]);
    const said = `${stdout}\n${stderr}`;
    if (said.includes('not listen anywhere')) return undefined;
    // The line itself may be a secret.
    const fatal = said.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('>>>')).slice(-6).join(' ').replaceAll(/'[^']*'/g, '…');
    return fatal.slice(0, 300) || `exit code ${code}`;
  },

  program: () => 'redis-server',

  // Without a password it answers with an error, which is an answer.
  hello: { say: 'PING\r\n', expect: /^[+-]/ },

  async tell({ fileProtection: { root } }, { pid }, { config, key, value, ends, known, secrets }) {
    if (known.takes !== 'live') return;
    let last: Error | undefined;
    // A socket first: it stays where it is, also when the addresses change.
    for (const end of [...ends].sort((a, b) => Number('socket' in b) - Number('socket' in a))) {
      for (const password of new Set(['', ...secrets, lastOf(join(root, config), 'requirepass') ?? ''])) {
        try {
          await ask(end, [...(password === '' ? [] : [['AUTH', password]]), ['CONFIG', 'SET', key, ...(key === 'bind' ? [value ?? '* -::*'] : [value ?? (key === 'protected-mode' ? 'yes' : '')])]]);
          return;
        } catch (error) { last = error as Error; /* the next way in, or the next password; told when none does */ }
      }
    }
    throw new MoatError<ActionErrorCode>('failed', `Redis (${pid}) does not take it while it runs: ${last?.message.slice(0, 200) ?? ''}`, { text: { zh: `运行中的 Redis（${pid}）不接受：${last?.message.slice(0, 200) ?? ''}`, en: `Redis (${pid}) does not take it while it runs: ${last?.message.slice(0, 200) ?? ''}` }, cause: last });
  },
};

/** The server is a second name of one of its tools on some systems, and goes by the name it is called. */
const serverOf = (program: string): string => (program.includes('/') ? join(dirname(program), basename(program).startsWith('valkey') ? 'valkey-server' : 'redis-server') : program);

/** Words of a line; quotes around them off. Empty for a comment. */
function wordsOf(line: string): string[] {
  if (/^\s*(?:#|$)/.test(line)) return [];
  const [first = '', ...rest] = [...line.trim().matchAll(/"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|(\S+)/g)].slice(0, 200).map((part) => part[1] ?? part[2] ?? part[3]!);
  return [first.toLowerCase(), ...rest];
}

/** The value that holds; undefined when nothing says it. */
const lastOf = (path: string, key: string): string | undefined => readFileSync(path, 'latin1').split('\n').map(wordsOf).findLast(([one]) => one === key)?.slice(1).join(' ');

/** One command after the other, as RESP. Rejects with what the server answers when it is an error. */
function ask(end: Endpoint, commands: readonly (readonly string[])[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = 'socket' in end ? connect(end.socket) : connect({ host: end.address, port: end.port });
    const fail = (error: Error): void => { socket.destroy(); reject(error); };
    let said = '';
    socket.setTimeout(answerMs, () => fail(new Error('no answer')));
    socket.on('error', fail);
    socket.on('close', () => fail(new Error('the connection ended')));
    socket.on('connect', () => { for (const command of commands) socket.write(`*${command.length}\r\n${command.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`); });
    socket.on('data', (chunk: Buffer) => {
      said += chunk.toString('latin1');
      const lines = said.split('\r\n').slice(0, -1), fault = lines.find((line) => line.startsWith('-'));
      if (fault !== undefined) fail(new Error(fault.slice(1, 300)));
      else if (lines.length >= commands.length) { resolve(); socket.destroy(); } else if (said.length > answerMax) fail(new Error('too long an answer'));
    });
  });
}
