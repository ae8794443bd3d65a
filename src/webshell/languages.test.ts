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

describe('a function that a visitor names', () => {
  const levels = (path: string, text: string): string[] => read(path, text).signs.map(({ kind, level }) => `${kind} ${level}`);
  const js = (table: string): string => `const cp = require('child_process'); app.get('/', (req, res) => { ${table}[req.query.f](req.query.c); });`;
  it.each(['cp', 'global', '({ ...cp })', '({ run: cp.exec })', 'Object.assign({}, cp)', "require('fs').promises", 'process', 'cp[req.query.g]', 'require(name)'])('out of %s does harm', (table) => {
    expect(levels('a.js', js(table))).toEqual(['callback high']);
  });
  it.each(['console', 'handlers', 'this.actions', 'app.locals.handlers', 'handlers[req.query.g]'])('out of %s is worth knowing', (table) => {
    expect(levels('a.js', js(table))).toEqual(['callback low']);
  });
  it.each([
    ['a.py', 'import os\nfrom flask import request\nos.__dict__[request.args["f"]](request.args["c"])\n', 'callback high'],
    ['a.py', 'import os\nfrom flask import request\ngetattr(os, request.args["f"])(request.args["c"])\n', 'callback high'],
    ['a.py', 'import os\nfrom flask import request\nglobals()[request.args["f"]](request.args["c"])\n', 'callback high'],
    ['a.py', 'import subprocess\nfrom shop.charts import charts\nfrom flask import request\ncharts[request.args["f"]](request.args["c"])\n', 'callback low'],
    ['a.pl', 'use CGI; my $q = CGI->new; my $f = $q->param("f"); eval { 1 }; main->$f($q->param("c"));\n', 'callback high'],
    ['a.pl', 'use CGI; my $q = CGI->new; my $f = $q->param("f"); eval { 1 }; $conf->{handlers}->{$f}->($q->param("c"));\n', 'callback low'],
  ] as const)('%s %s', (path, text, sign) => { expect(levels(path, text)).toEqual([sign]); });
});

it('nothing of a condition is in the value that it chooses', () => {
  const text = (value: string): string => `use CGI; my $q = CGI->new; my $u = $q->param("u"); my $m = ${value}; require $m;\n`;
  for (const value of ["$u eq 'admin' ? 'internal' : $conf->{module}", "$a || $u ? 'x' : $u ? 'y' : 'z'"]) expect(read('a.pl', text(value)).signs, value).toEqual([]);
  for (const value of ["$a ? $u : 'x'", "$a ? 'x' : $b || $u", "$a ? 'x' : $b ? 'y' : $u", "$u || 'x'"]) expect(read('a.pl', text(value)).signs.map(({ level }) => level), value).toEqual(['high']);
});

it.each(['def each(function, sub=1):\n    pass\n', 'def each(a,\n         sub=re.compile("x").sub):\n    pass\n', 'def each(a):\n    yield from a.items(deep=True)\n', 'def each(a):\n    raise E("x") from (a)\n', 'class A:\n    async def each(self):\n        pass\n'])('python goes on behind %j', (before) => {
  // What is taken for the head or body of a function swallows what stands behind it, and 130 of them the whole file.
  const { signs, cut } = read('a.py', `import cgi, os\n${before.repeat(130)}def last():\n    os.system(cgi.FieldStorage().getvalue("q"))\nlast()\n`);
  expect([cut, signs.map(({ kind, level, sink }) => [kind, level, sink.text])]).toEqual([[], [['command', 'critical', 'os.system(cgi.FieldStorage().getvalue("q"))']]]);
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
