import { expect, it, vi } from 'vitest';
import { hashPassword, isPassword } from './passwords.ts';

const checked = vi.hoisted(() => [] as string[]);
vi.mock('@node-rs/argon2', async (real) => {
  const argon2 = await real<typeof import('@node-rs/argon2')>();
  return { ...argon2, verify: (hashed: string, password: string) => { checked.push(hashed.split('$').slice(1, 4).join(' ')); return argon2.verify(hashed, password); } };
});

it('costs the same for an account that is not there: time does not tell', async () => {
  const hashed = await hashPassword('correct horse battery');
  expect([await isPassword('correct horse battery', hashed), await isPassword('wrong', hashed), await isPassword('wrong', undefined), await isPassword('nobody has this password', undefined)]).toEqual([true, false, false, false]);
  expect(checked).toEqual(Array.from({ length: 4 }, () => 'argon2id v=19 m=19456,t=2,p=1'));
});
