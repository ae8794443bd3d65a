/** The accounts of a machine, a disk or an image, as its own files tell them. Directory services are not asked. */
import { textOf, type Tree } from './tree.ts';

export interface Account {
  name: string;
  uid: number;
  gid: number;
  comment: string;
  home: string;
  /** '' means /bin/sh. */
  shell: string;
  /** Password field of /etc/passwd: `x` when the shadow has it. */
  password: string;
  /** Line in /etc/passwd, from 1. */
  line: number;
  /** As it stands in the file. */
  text: string;
}

const accountsMax = 100_000;
const textLimit = 16 << 20;

/** Undefined when there is no /etc/passwd. Lines that are none are left to `onBad`. Throws TreeError. */
export function readAccounts(tree: Tree, onBad: (line: number, text: string) => void = () => undefined): Account[] | undefined {
  const text = textOf(tree, '/etc/passwd', textLimit);
  if (text === undefined) return undefined;
  const accounts: Account[] = [];
  for (const [i, line] of text.split('\n').entries()) {
    // NIS lines begin with + or -: the directory is not asked.
    if (line.trim() === '' || line.startsWith('#') || line.startsWith('+') || line.startsWith('-')) continue;
    const [name = '', password = '', uid = '', gid = '', comment = '', home = '', shell = ''] = line.split(':');
    const [number, group] = [idOf(uid), idOf(gid)];
    if (name === '' || number === undefined || group === undefined || accounts.length >= accountsMax) { onBad(i + 1, line); continue; }
    accounts.push({ name, password, uid: number, gid: group, comment, home, shell, line: i + 1, text: line });
  }
  return accounts;
}

/** As the C library reads a number, with strtoul: `+0`, ` 0` and `0000000000000` are root too. */
function idOf(text: string): number | undefined {
  if (!/^\s*(?:\+?\d{1,40}|-0{1,40})$/.test(text)) return undefined;
  const id = Math.abs(Number(text));
  return id <= 0xffff_ffff ? id : undefined;
}

/** May this account start a session? A shell that only refuses is none. */
export const hasShell = ({ shell }: Pick<Account, 'shell'>): boolean => !/\/(?:nologin|false|sync|halt|shutdown|git-shell|true)$/.test(shell);

/** Home folders of people and daemons, each once, with who lives there; `/` and the like are no homes. */
export function homesOf(accounts: readonly Account[]): { home: string; users: string[] }[] {
  const homes = new Map<string, string[]>();
  for (const { home, name } of accounts) {
    const at = home.replace(/\/+$/, '');
    if (!at.startsWith('/') || notHomes.has(at)) continue;
    const users = homes.get(at);
    if (users) users.push(name);
    else homes.set(at, [name]);
  }
  return [...homes].map(([home, users]) => ({ home, users }));
}
const notHomes = new Set(['', '/bin', '/sbin', '/dev', '/usr', '/usr/bin', '/usr/sbin', '/proc', '/nonexistent', '/var', '/run', '/etc', '/tmp']);
