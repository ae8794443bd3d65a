import { expect, it } from 'vitest';
import type { AlertEvidence } from '../../core/alert.ts';
import { isOfMany } from './shared.ts';

const alert = (category: string): { evidence: AlertEvidence[] } => ({ evidence: [{ category: 'sensor' }, { category }] });

it('an address that is named, and of web servers the private one of a load balancer, but nobody inside who guesses passwords', () => {
  const named = (address: string): boolean => address === '203.0.113.9';
  expect(isOfMany('203.0.113.9', undefined, named)).toBe(true);
  expect(isOfMany('203.0.113.10', alert('web'), named)).toBe(false);
  for (const address of ['10.0.0.5', '192.168.3.1', '172.20.0.1', 'fd00::5']) expect([isOfMany(address, alert('web'), undefined), isOfMany(address, alert('authentication'), undefined)]).toEqual([true, false]);
});
