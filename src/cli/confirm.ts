import { createInterface } from 'node:readline/promises';
import type { Cli } from './program.ts';

/** Asks on the terminal; without one the answer is no. */
export async function confirm(question: string, t: Cli['t']): Promise<boolean> {
  if (!process.stdin.isTTY) return false;
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await prompt.question(`${question} [${t('是 y / 否 N', 'y/N')}] `);
  prompt.close();
  return /^(y|yes|是)$/i.test(answer.trim());
}
