import { describe, expect, it } from 'vitest';
import type { Folded } from '../engine/fold.ts';
import { AlertPrinter } from './alert-printer.ts';

const one = (n: number, more: Partial<Folded['alert']> = {}): Folded => ({
  isNew: true, isWorse: false,
  alert: { id: `a${n}`, time: 0, last_time: 0, level: 'low', rule_id: 'r', rule_name: 'R', title: { zh: '甲', en: 'A' }, host: 'h', summary: `summary ${n}`, count: 1, attack: [], matrix: [], key: `k${n}`, status: 'open', evidence: [], ...more },
});
const many = (from: number, count: number): Folded[] => Array.from({ length: count }, (_, i) => one(from + i));

function printer(json: boolean): { printer: AlertPrinter; text: () => string; at: (ms: number) => void } {
  const said: string[] = [];
  let now = 1000;
  return { printer: new AlertPrinter({ lang: 'en', json, print: (text) => said.push(text), now: () => now }), text: () => said.join('\n'), at: (ms) => { now = ms; } };
}

describe('AlertPrinter', () => {
  it('shows a known alert again only when it has grown tenfold or become worse', () => {
    const { printer: shown, text } = printer(true);
    shown.show([one(1)]);
    shown.show([one(1, { count: 9 })]);
    expect(text().split('\n')).toHaveLength(1);
    shown.show([one(1, { count: 10 })]);
    shown.show([one(1, { count: 11, level: 'high' })]);
    expect(text().split('\n').map((line) => (JSON.parse(line) as { count: number }).count)).toEqual([1, 10, 11]);
  });

  it('prints a flood as text by its first fifty a second and the number of the others', () => {
    const { printer: shown, text, at } = printer(false);
    shown.show(many(0, 30));
    shown.show(many(30, 2000));
    expect(text()).toContain('summary 49');
    expect(text()).not.toContain('summary 50');
    at(2100);
    shown.show(many(5000, 1));
    expect(text()).toContain('and 1980 more alerts');
    expect(text()).toContain('summary 5000');
    shown.finish();
    expect(text().match(/more alerts/g)).toHaveLength(1);
  });

  it('gives a program every alert of a flood', () => {
    const { printer: shown, text } = printer(true);
    shown.show(many(0, 12_000));
    shown.show(many(11_000, 2000));
    const ids = text().split('\n').map((line) => (JSON.parse(line) as { id: string }).id);
    expect(ids).toHaveLength(13_000);
    expect(new Set(ids).size).toBe(13_000);
  });
});
