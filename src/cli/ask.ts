/** The one place where a command asks the running Moat: over the control socket of this machine, or over HTTPS with a token. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { askControl } from '../agent/control.ts';
import { MoatError } from '../core/error.ts';
import { dataFolder, globals } from './globals.ts';
import type { Fetch } from './remote/http.ts';
import type { Target } from './remote/profiles.ts';

const targets = new WeakMap<Command, Target | null>();

/** The server that this command line is for; undefined for this machine. Throws MoatError for one that is not known. */
export async function targetOf(program: Command): Promise<Target | undefined> {
  const known = targets.get(program);
  if (known !== undefined) return known ?? undefined;
  const { targetOf: chosen } = await import('./remote/profiles.ts');
  const target = chosen(globals(program).remote);
  targets.set(program, target ?? null);
  return target;
}

/** For what is no operation of the control socket; undefined on this machine. */
export async function remoteOf(program: Command): Promise<Fetch | undefined> {
  const target = await targetOf(program);
  return target && (await import('./remote/http.ts')).fetchFrom(target);
}

/** `patient`: what is asked for may take a minute. Throws MoatError 'not-running' when none answers, 'refused' with its reason, 'not-remote' for what works on the machine alone. */
export async function askMoat(program: Command, op: string, argument?: unknown, options?: { patient?: boolean }): Promise<unknown> {
  const fetch = await remoteOf(program);
  if (fetch === undefined) return await askControl(dataFolder(program), op, argument, options);
  const { operations } = await import('./remote/operations.ts');
  const operation = Object.hasOwn(operations, op) ? operations[op] : undefined;
  if (operation === undefined) throw notRemote(op);
  return await operation((typeof argument === 'object' && argument !== null ? argument : {}) as Readonly<Record<string, unknown>>, fetch, argument);
}

/** A path as the command line has it: a relative one is this shell's, and means nothing on another machine. Throws MoatError 'bad-input'. */
export async function pathThere(program: Command, path: string): Promise<string> {
  if (await targetOf(program) === undefined) return resolve(path);
  if (!path.startsWith('/')) throw new MoatError('bad-input', `expected a full path on that machine, got ${path}`, { zh: `请写那台机器上的完整路径，得到 ${path}` });
  return path;
}

export const notRemote = (what: string): MoatError => new MoatError('not-remote', `${what} works on the machine itself only`, { zh: `${what} 只能在那台机器上做`, hint: { zh: '登录到那台机器上运行；对本机：--remote local', en: 'log on there and run it; for this machine: --remote local' } });
