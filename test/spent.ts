/**
 * Where the time of the tests goes (`npm test -- --times`): with MOAT_TEST_TIMES each test file adds a line to that file when it ends.
 * In a process of its own the start and the imports count too.
 */
import { appendFileSync, readFileSync } from 'node:fs';
import { afterAll, expect } from 'vitest';

/** Seconds: since this process began, of its own processor time, of that of the children that it waited for. */
interface Spent { wall: number; own: number; children: number }

function spent(): Spent {
  const own = process.cpuUsage();
  // After the name, which may hold anything; a tick is a hundredth of a second.
  const fields = readFileSync('/proc/self/stat', 'latin1').replace(/^.*\)/su, '').trim().split(' ');
  return { wall: process.uptime(), own: (own.user + own.system) / 1e6, children: (Number(fields[13]) + Number(fields[14])) / 100 };
}

const target = process.env['MOAT_TEST_TIMES'];
if (target !== undefined) {
  const first = Symbol.for('moat: this process has run a test file');
  const isFirst = !(first in globalThis);
  Object.assign(globalThis, { [first]: true });
  const before: Spent = isFirst ? { wall: 0, own: 0, children: 0 } : spent();
  afterAll(() => {
    const now = spent();
    appendFileSync(target, `${JSON.stringify({ file: expect.getState().testPath, wall: now.wall - before.wall, own: now.own - before.own, children: now.children - before.children })}\n`);
  });
}
