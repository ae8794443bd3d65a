import { expect, it } from 'vitest';
import type { ServiceCheck } from '../core/recovery.ts';
import { serviceSays } from '../../test/recovery-scene.ts';
import { ServiceLooks } from './service-look.ts';

it('a look is begun once at a time, waited for without an end of its own, and a fault is not taken for health', async () => {
  const begun: ((services: ServiceCheck[]) => void)[] = [];
  let fails = false;
  const looks = new ServiceLooks(() => (fails ? Promise.reject(new Error('no hands')) : new Promise((resolve) => { begun.push(resolve); })));
  expect(await looks.wait('a', 5)).toBeUndefined();
  looks.begin('a', []);
  looks.begin('a', []);
  expect([begun.length, await looks.wait('a', 5), looks.get('a')]).toEqual([1, undefined, undefined]);
  begun[0]!([serviceSays('sshd', 'ok')]);
  expect((await looks.wait('a', 60_000))?.map(({ name }) => name)).toEqual(['sshd']);
  fails = true;
  looks.begin('a', []);
  expect((await looks.wait('a', 60_000))?.map(({ state, said }) => [state, said.en])).toEqual([['unknown', 'no hands']]);
  for (let i = 0; i < 30; i++) looks.begin(`p${i}`, []);
  expect([looks.has('a'), looks.has('p29')]).toEqual([false, true]);
});
