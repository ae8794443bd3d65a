import { createInterface } from 'node:readline/promises';
import { MoatError } from '../core/error.ts';
import type { Cli } from './program.ts';

/** Asks on the terminal; without one the answer is no. */
export async function confirm(question: string, t: Cli['t']): Promise<boolean> {
  if (!process.stdin.isTTY) return false;
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await prompt.question(`${question} [${t('是 y / 否 N', 'y/N')}] `);
  prompt.close();
  return /^(y|yes|是)$/i.test(answer.trim());
}

/** Asks before something is done; a no is said and ends with 1. Throws MoatError 'not-confirmed' where there is no terminal. */
export async function agreed(question: string, t: Cli['t']): Promise<boolean> {
  if (!process.stdin.isTTY) throw new MoatError('not-confirmed', t('没有终端可以询问，什么也没做', 'there is no terminal to ask on; nothing was done'), { hint: '--yes' });
  if (await confirm(question, t)) return true;
  console.error(t('什么也没做', 'nothing was done'));
  process.exitCode = 1;
  return false;
}
