import { expect, it, describe } from 'vitest';
import { aspSamples } from '../../test/webshells/asp.ts';
import { benignPages } from '../../test/webshells/benign.ts';
import { jspSamples } from '../../test/webshells/java.ts';
import { pageSamples } from '../../test/webshells/pages.ts';
import { scriptSamples } from '../../test/webshells/scripts.ts';
import { atLeast } from '../core/level.ts';
import { named } from './choose.ts';
import { languages } from './languages.ts';
import { defaultLimits } from './sign.ts';

const read = (path: string, text: string): ReturnType<NonNullable<(typeof languages)['php']>> => languages[named(path)!.language!]!(text);
const samples = [...jspSamples(), ...aspSamples(), ...scriptSamples(), ...pageSamples()];

describe('trojans beside PHP', () => {
  it.each(samples.map(({ way, path, source }) => [way, path, source] as const))('%s', (_way, path, source) => {
    const text = source.toString('latin1');
    const { signs, cut } = read(path, text);
    expect(signs.some(({ level }) => atLeast(level, 'high')), JSON.stringify({ text, signs, cut }, undefined, 1)).toBe(true);
    for (const { sink } of signs) expect(sink.line).toBeLessThanOrEqual(text.split('\n').length);
  });
  it('are many and of many kinds', () => {
    expect(samples.length).toBeGreaterThanOrEqual(100);
    expect(new Set(samples.map(({ family }) => family)).size).toBeGreaterThanOrEqual(8);
  });
});

it.each(benignPages)('%s is silent', (path, text) => {
  expect(read(path, text).signs.filter(({ level }) => atLeast(level, 'medium'))).toEqual([]);
});

it('follows what a visitor sends through a long chain of calls', () => {
  // Each link worked out twice would be 2 to the 60th.
  for (const [path, text] of [['a.py', `import cgi, os\nv = cgi.FieldStorage().getvalue("q")${'.strip()'.repeat(60)}\nos.system(v)\n`], ['a.py', `import cgi, os\nv = cgi.FieldStorage()${'["q"](1)'.repeat(40)}\nos.system(v)\n`]] as const) {
    const { signs, cut } = read(`/srv/${path}`, text);
    expect([cut, signs.map(({ level }) => level)]).toEqual([[], ['critical']]);
  }
});

describe('hostile input', () => {
  const deep = '('.repeat(50_000);
  it.each(['a.jsp', 'a.asp', 'a.aspx', 'a.py', 'a.pl', 'a.js', 'a.sh', 'a.lua', 'a.rb', 'a.html'])('%s of nested brackets, endless texts and noise ends', (path) => {
    const words = 'eval exec Runtime.getRuntime CreateObject request req express QUERY_STRING system param atob document unescape cgi ngx ApplicationController os.execute ';
    for (const text of [`<% ${words}${deep} %>`, `${words}${deep}`, `${words}${'"'.repeat(9999)}`, `${words}${'`${'.repeat(5000)}`, `<${'a '.repeat(20_000)}`, `${words}<script>${'['.repeat(20_000)}`, `${words}${'f('.repeat(3000)}`, `${words}function ${'a '.repeat(200_000)}`, `${words}${'%x{ '.repeat(50_000)}`, `${words}<a ${'onload='.repeat(100_000)}`, `p,a,c,k,${"}('".repeat(60_000)}`, `${words}x = x + ${'x + '.repeat(20_000)}x`]) {
      const { signs } = read(`/srv/${path}`, text.slice(0, defaultLimits.bytes));
      expect(Array.isArray(signs)).toBe(true);
    }
  });
});
