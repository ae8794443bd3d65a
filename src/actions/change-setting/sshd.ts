/** A setting of sshd: which line decides, whether sshd takes the change, whether somebody can still log on. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ActionErrorCode, PlanStep } from '../../core/action.ts';
import { MoatError } from '../../core/error.ts';
import type { Network } from '../../core/networks.ts';
import type { Sshd, SshdDaemon } from '../../linux/sshd.ts';
import { candidate, type SshdConfig } from '../../linux/sshd-config.ts';
import { accessKeywords, hasWayIn } from '../ssh-access.ts';
import { badInput } from '../input.ts';
import { edited, type Edit } from './edit.ts';

export interface SshdWorld {
  sshd: Sshd;
  /** From where somebody is logged on now. */
  loggedOn: () => readonly Network[];
  /** A folder of Moat's own, for configurations that are only looked at. */
  scratch: string;
  /** How long sshd has to begin anew and to answer, ms. */
  settleMs: number;
}

interface Endpoint { address: string; port: number }

/** `asks`: what must answer as SSH afterwards, `asked`: when it was taken back; empty when nothing did before. */
export interface SshdTarget { pidFile: string; daemon?: SshdDaemon; asks: Endpoint[]; asked: Endpoint[] }

export const usualConfig = '/etc/ssh/sshd_config';
/** These change which lines count, or say several things in several lines. */
const structure = new Set(['include', 'match', 'pidfile']);
const several = new Set(['port', 'listenaddress', 'hostkey', 'acceptenv', 'subsystem', 'setenv', 'hostcertificate', 'logverbose', 'permitopen', 'permitlisten']);
/** Nobody is kept out by these, whatever they say. */
const harmless = new Set(['loglevel', 'syslogfacility', 'x11forwarding', 'x11displayoffset', 'x11uselocalhost', 'banner', 'printmotd', 'printlastlog', 'permittunnel', 'gatewayports', 'permituserenvironment', 'allowtcpforwarding', 'allowagentforwarding', 'allowstreamlocalforwarding', 'disableforwarding', 'clientaliveinterval', 'clientalivecountmax', 'tcpkeepalive', 'permitemptypasswords', 'ignorerhosts', 'hostbasedauthentication', 'versionaddendum', 'compression', 'acceptenv', 'setenv', 'permituserrc']);
const stepMs = 100;
/** Somebody of whom nothing is known. */
const anyAddress = '198.51.100.1';

export const mayLockOut = (keyword: string): boolean => !harmless.has(keyword.toLowerCase());

export function readSshdKey(value: unknown): string {
  if (typeof value !== 'string' || !/^[A-Za-z][A-Za-z0-9]{1,60}$/.test(value)) throw badInput('a setting of sshd such as PermitRootLogin', value);
  if (structure.has(value.toLowerCase())) throw badInput('a setting that is none of Include, Match and PidFile', value);
  return value;
}

export function readSshdValue(value: unknown): string {
  if (typeof value !== 'string' || value.trim() === '' || value.length > 1000 || !/^[\x20-\x7e]+$/.test(value)) throw badInput('a value in one line of plain characters', value);
  return value.trim();
}

/** The line that decides and what it becomes. Throws MoatError 'refused' or 'not-there'. */
export function editOf({ lines, files, main }: SshdConfig, key: string, value: string, match: string | undefined): { path: string; edit: Edit } {
  const keyword = key.toLowerCase();
  const found = lines.filter((one) => one.keyword === keyword && one.under === match);
  const [first, second] = found;
  if (several.has(keyword) && second) {
    const places = found.map(({ path, line }) => `${path}:${line}`).slice(0, 10).join(', ');
    throw new MoatError<ActionErrorCode>('refused', `${key} stands in several lines, which all count: ${places}`, { text: { zh: `${key} 写在多行里，各行都有效，不知该改哪一行：${places}`, en: `${key} stands in several lines, which all count: ${places}` }, hint: 'moat remove-line FILE LINE' });
  }
  if (first) {
    const [, before = ''] = /^(\s*"?[A-Za-z0-9]+"?(?:\s*=\s*|\s+))/.exec(first.text) ?? [];
    if (first.value === value) throw already(key, value, `${first.path}:${first.line}`);
    return { path: first.path, edit: { line: first.line, old: first.text, next: `${before}${value}` } };
  }
  if (match !== undefined) throw new MoatError<ActionErrorCode>('not-there', `${key} does not stand under Match ${match.slice(0, 200)}`, { text: { zh: `Match ${match.slice(0, 200)} 之下没有 ${key}`, en: `${key} does not stand under Match ${match.slice(0, 200)}` } });
  const text = files.get(main) ?? '';
  const all = text.split('\n');
  const at = lines.find(({ path, keyword: one }) => path === main && one === 'match')?.line ?? (text.endsWith('\n') || text === '' ? all.length : all.length + 1);
  return { path: main, edit: { line: at, next: `${key} ${value}` } };
}

const already = (key: string, value: string, at: string): MoatError<ActionErrorCode> => new MoatError<ActionErrorCode>('not-there', `${key} is ${value} already (${at})`, { text: { zh: `${key} 已是 ${value}（${at}）`, en: `${key} is ${value} already (${at})` } });

/** Other Match blocks that say otherwise: told, not touched. */
export const exceptionsOf = ({ lines }: SshdConfig, key: string, value: string, match: string | undefined): PlanStep[] => (match === undefined ? lines.filter((one) => one.keyword === key.toLowerCase() && one.under !== undefined && one.value !== value).slice(0, 10).map(({ path, line, text, under }) => ({ text: { zh: `注意：对 Match ${under} 仍是 ${text.trim()}（${path}:${line}）`, en: `mind: for Match ${under} it stays ${text.trim()} (${path}:${line})` } })) : []);

/** Lays the configuration with these changes out in a folder and hands over its main file. */
export async function withCandidate<T>({ scratch }: Pick<SshdWorld, 'scratch'>, config: SshdConfig, changed: ReadonlyMap<string, string>, work: (main: string) => Promise<T>): Promise<T> {
  mkdirSync(scratch, { recursive: true, mode: 0o700 });
  const folder = mkdtempSync(join(scratch, 'sshd-'));
  try {
    for (const [name, text] of candidate(config, changed, folder)) writeFileSync(join(folder, name), text, { encoding: 'latin1', mode: 0o600 });
    return await work(join(folder, '0.conf'));
  } finally { rmSync(folder, { recursive: true }); }
}

/** Throws MoatError 'refused' when sshd does not take the change, or (without force) no administrator could log on any more. What is asked afterwards. */
export async function judge(world: SshdWorld, root: string, config: SshdConfig, { path, edit, key, value, match, force }: { path: string; edit: Edit; key: string; value: string; match: string | undefined; force: boolean }): Promise<SshdTarget> {
  const { sshd } = world;
  const before = await withCandidate(world, config, new Map(), (main) => sshd.effective(main));
  const asked = (before.get('listenaddress') ?? []).flatMap(endpoint);
  const changed = new Map([[path, edited(config.files.get(path) ?? '', edit)]]);
  return await withCandidate(world, config, changed, async (main) => {
    const complaint = await sshd.complaint(main);
    if (complaint !== undefined) throw new MoatError<ActionErrorCode>('refused', `sshd does not take ${key} ${value}: ${tidy(complaint)}`, { text: { zh: `sshd 不接受 ${key} ${value}：${tidy(complaint)}`, en: `sshd does not take ${key} ${value}: ${tidy(complaint)}` } });
    if (!force && accessKeywords.has(key.toLowerCase()) && !await hasWayIn(sshd, root || '/', main, world.loggedOn()[0]?.text.replace(/\/\d+$/, '') ?? anyAddress)) {
      const en = `after ${key} ${value}${match === undefined ? '' : ` under Match ${match}`} no administrator could log on over SSH any more (accounts with uid 0 or in sudo, wheel, admin; by password or key)`;
      throw new MoatError<ActionErrorCode>('refused', en, { text: { zh: `改成 ${key} ${value} 后，没有一个管理员还能经 SSH 登录（uid 0 或 sudo、wheel、admin 组成员，凭密码或密钥）；确要如此请加 --force`, en: `${en}; use --force to do it all the same` }, hint: '--force' });
    }
    const after = await sshd.effective(main);
    const pidFile = after.get('pidfile')?.[0] ?? '/run/sshd.pid';
    const daemon = sshd.daemon(pidFile);
    const asks = (after.get('listenaddress') ?? []).flatMap(endpoint);
    const isTried = daemon !== undefined || await somebodyAnswers(sshd, asked);
    return { pidFile, ...(daemon && { daemon }), asks: isTried ? asks : [], asked: isTried ? asked : [] };
  });
}

/** The paths of the folder it was tried in say nothing to anybody. */
const tidy = (text: string): string => text.replaceAll(/\/\S*\/sshd-\w{6}\/\d+\.conf/g, 'sshd_config').slice(0, 300);

const somebodyAnswers = async (sshd: Sshd, asks: readonly Endpoint[]): Promise<boolean> => (await Promise.all(asks.map(({ address, port }) => sshd.answers(address, port, 1000)))).some(Boolean);

/** `0.0.0.0:22`, `[::]:22`: by loopback. */
function endpoint(text: string): Endpoint[] {
  const found = /^(?:\[([0-9a-f:.%\w]+)\]|([\d.]+)):(\d{1,5})(?:\s|$)/.exec(text);
  if (!found) return [];
  const address = found[1] ?? found[2]!;
  return [{ address: address === '0.0.0.0' ? '127.0.0.1' : address === '::' ? '::1' : address, port: Number(found[3]) }];
}

/** Has sshd read it anew and tries to connect. Throws MoatError 'failed'. */
export async function settle({ sshd, settleMs }: SshdWorld, { pidFile, daemon, asks }: Pick<SshdTarget, 'pidFile' | 'daemon' | 'asks'>, revive: boolean): Promise<void> {
  if (daemon) {
    const running = sshd.daemon(pidFile);
    if (running) {
      try {
        await sshd.reload(running, pidFile, settleMs);
      } catch (error) {
        // It may have ended over what it read: as it was before, it is started again.
        if (!revive || sshd.daemon(pidFile)) throw error;
        await sshd.start(daemon);
      }
    } else if (revive) await sshd.start(daemon);
    else throw new MoatError<ActionErrorCode>('failed', 'sshd has ended meanwhile');
  }
  const ports = [...new Set(asks.map(({ port }) => port))];
  const end = Date.now() + settleMs;
  for (const port of ports) {
    // One address of each port is enough: IPv6 may be off.
    const those = asks.filter((one) => one.port === port);
    for (let isThere = false; !isThere;) {
      isThere = (await Promise.all(those.map(({ address }) => sshd.answers(address, port, 2000)))).some(Boolean);
      if (isThere) break;
      if (Date.now() >= end) throw new MoatError<ActionErrorCode>('failed', `nothing answered as SSH on port ${port} after the change`, { text: { zh: `改动后端口 ${port} 上没有 SSH 应答`, en: `nothing answered as SSH on port ${port} after the change` } });
      await sleep(stepMs);
    }
  }
}
