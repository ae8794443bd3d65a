/** Passwords: what is taken as one, and argon2id of it (RFC 9106; parameters of the OWASP password storage cheat sheet). */
import { hash, verify } from '@node-rs/argon2';
import { Problem } from '../problem.ts';

const lengthMin = 12;
const lengthMax = 200;
/** Memory in KiB: an attacker who holds the database pays 19 MiB a guess. Algorithm 2 is argon2id. */
const options = { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;
/** Each takes 19 MiB: more at once would be the way to fill the memory of this machine. */
const atOnce = 2;
const waitingMax = 20;
const common = /^(?:(.)\1*|(?:password|passw0rd|p@ssw0rd|qwerty|admin|administrator|root|welcome|letmein|iloveyou|abcdef|123456|1234567890|moat)[\d!@#.]*(?:password|qwerty|admin|\d)*)$/i;

/** Throws Problem 'bad-input'. */
export function checkPassword(password: string, name: string): void {
  const refuse = (zh: string, en: string): never => { throw new Problem('bad-input', { zh, en }); };
  if (Array.from(password).length < lengthMin) refuse(`密码至少要 ${lengthMin} 个字符`, `expected a password of at least ${lengthMin} characters`);
  if (password.length > lengthMax) refuse(`密码最多 ${lengthMax} 个字符`, `expected a password of at most ${lengthMax} characters`);
  if (common.test(password)) refuse('这个密码太常见', 'expected a password that is not among the first that are guessed');
  if (name.length >= 4 && password.toLowerCase().includes(name.toLowerCase())) refuse('密码里不能有账号名', 'expected a password without the name of the account in it');
}

/** Runs at most a few at once; the others wait, and those beyond that are sent away. */
class Turns {
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  async take<T>(work: () => Promise<T>): Promise<T> {
    while (this.running >= atOnce) {
      if (this.waiting.length >= waitingMax) throw new Problem('too-many', { zh: '登录的人太多，请稍后再试', en: 'too many log-ons at once; try again in a moment' }, { retryAfter: 2 });
      await new Promise<void>((resolve) => { this.waiting.push(resolve); });
    }
    this.running++;
    try { return await work(); } finally {
      this.running--;
      this.waiting.shift()?.();
    }
  }
}
const turns = new Turns();

export const hashPassword = (password: string): Promise<string> => turns.take(() => hash(password, options));

let nobody: Promise<string> | undefined;
/** With no hash it takes as long and says no, so that the time does not tell which accounts there are. */
export async function isPassword(password: string, hashed: string | undefined): Promise<boolean> {
  if (password.length > lengthMax) return false;
  nobody ??= hashPassword('nobody has this password');
  const known = hashed ?? await nobody;
  const right = await turns.take(() => verify(known, password));
  return right && hashed !== undefined;
}
