import { deflateRawSync } from 'node:zlib';
import { array, assert, constantFrom, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { atLeast } from '../core/level.ts';
import { phpBenign } from '../../test/webshells/php-benign.ts';
import { phpSamples } from '../../test/webshells/php.ts';
import { fill } from '../../test/webshells/sample.ts';
import { analyse } from './php.ts';
import { defaultLimits } from './sign.ts';

const serious = (source: string): string[] => analyse(source).signs.filter(({ level }) => atLeast(level, 'high')).map(({ kind, level }) => `${level} ${kind}`);

describe('own samples', () => {
  const samples = phpSamples();
  it('are many, of many families', () => {
    expect(samples.length).toBeGreaterThanOrEqual(300);
    expect(new Set(samples.map(({ family }) => family)).size).toBeGreaterThanOrEqual(18);
    expect(new Set(samples.map(({ source }) => source.toString('latin1'))).size).toBeGreaterThan(400);
  });
  for (const family of new Set(samples.map((one) => one.family))) {
    it(`finds ${family}`, () => {
      const missed = samples.filter((one) => one.family === family && serious(one.source.toString('latin1')).length === 0).map(({ way, source }) => `${way}: ${source.toString('latin1').slice(0, 300)}`);
      expect(missed).toEqual([]);
    });
  }
});

describe('what is filled in from a form', () => {
  const levels = (source: string): string[] => analyse(source).signs.map(({ kind, level }) => `${level} ${kind}`);
  it('by a table of words is not hidden; character for character it is', () => {
    expect(levels('<?php function f($t, $words) { eval(substr(strtr($t, $words), 5)); }')).toEqual([]);
    expect(levels('<?php function f($t) { eval(strtr($t, "abc", "xyz")); } f(file_get_contents("x"));').length).toBeGreaterThan(0);
  });
  it('from a public list, in the middle of a file that is written anew, is told at low', () => {
    const head = '<?php\n\n/* Made anew from the list of types that the project keeps; edit the list and not this. */\n\n$types = array(\n';
    const written = (before: string): string => `<?php $list = file_get_contents('https://lists.example/types'); $out = '${before}' . $list . ');'; file_put_contents('types.php', $out);`;
    expect(levels(written(head))).toEqual(['low remote']);
    expect(levels(written(''))).toEqual(['medium remote']);
  });
});

describe('pages of template engines', () => {
  it.each([
    ["<div>{!! «SHELL»(request('q')) !!}</div>", 1], ["<p>{{ «SYSTEM»(request()->get('q')) }}</p>", 1], ["<p>\n@php($x = request('q'))\n{!! «SHELL»($x) !!}", 3],
    ["@extends('a')\n@php\n  «EVAL»(request()->header('X-K'));\n@endphp", 3], ["<b>\n{php}«EVAL»(«POST»['x']);{/php}", 2], ["{dede:php}«EVAL»(«POST»['x']);{/dede:php}", 1], ["<!--{eval «SYSTEM»(«GET»['x'])}-->", 1],
  ])('are read as the PHP that they become: %s', (source, line) => {
    const [sign] = analyse(fill(source)).signs.filter(({ level }) => atLeast(level, 'high'));
    expect(sign?.sink.line).toBe(line);
  });
  it.each(["<p>{{ request('q') }}</p>\n@if ($a)\n<b>{{ $title }}</b>\n@endif", '<div id="app">{{ item.name | upper }}</div>', "{php}echo date('Y');{/php}"])('that show what was asked for are none: %s', (source) => { expect(serious(fill(source))).toEqual([]); });
});

describe('what looks alike and is none', () => {
  for (const [name, source] of Object.entries(phpBenign())) {
    it(name, () => { expect(serious(source)).toEqual([]); });
  }
});

describe('what is told', () => {
  it('names the line where data come in, the line where they do harm, and the decoded line', () => {
    const inner = fill("$c = «POST»['c'];\n@«EVAL»($c);");
    const { signs } = analyse(fill(`<?php\n$k = 1;\n$z = «B64»('${Buffer.from(inner).toString('base64')}');\n«EVAL»($z);\n`));
    const [sign] = signs;
    expect(sign).toMatchObject({ kind: 'code', level: 'critical', sink: { line: 4, layer: 0 }, source: { line: 1, layer: 1 }, decoded: fill('@«EVAL»($c);') });
    expect(sign!.source!.text).toContain(fill("«POST»['c']"));
  });

  it('names a hidden function', () => {
    const { signs } = analyse(fill("<?php\n$f = strrev('metsys');\n$f(«GET»['c']);\n"));
    expect(signs.find(({ kind }) => kind === 'command')).toMatchObject({ level: 'critical', sink: { line: 3 }, decoded: fill('«SYSTEM»(⟨request⟩)') });
  });

  it('a word of a fixed command is a flaw, not a trojan', () => {
    expect(analyse(fill("<?php «EXEC»('ping -c 1 ' . «GET»['host']);")).signs).toMatchObject([{ kind: 'command', level: 'medium' }]);
  });

  it('says when it read words only', () => {
    const { signs } = analyse(fill("<?php }}} ) ( @«EVAL»(«POST»['x']); $$$ ]] "));
    expect(signs.some(({ level }) => level === 'critical')).toBe(true);
  });
});

describe('hostile input', () => {
  const cheap = { ...defaultLimits, time: 1500 };
  const bomb = deflateRawSync(Buffer.alloc(200 << 20)).toString('base64');
  let nested = fill("«EVAL»(«POST»['x']);");
  for (let i = 0; i < 60 && nested.length < 200_000; i++) nested = fill(`«EVAL»(«B64»('${Buffer.from(nested).toString('base64')}'));`);
  const cases: Record<string, string> = {
    'deep brackets': fill(`<?php «EVAL»(${'('.repeat(100_000)}1${')'.repeat(100_000)});`),
    'deep arrays': fill(`<?php $a = ${'['.repeat(50_000)}${']'.repeat(50_000)}; «EVAL»($a);`),
    'deep blocks': fill(`<?php ${'if ($x) {'.repeat(20_000)} «EVAL»($y); ${'}'.repeat(20_000)}`),
    'a packed bomb': fill(`<?php «EVAL»(«GZ»(«B64»('${bomb}')));`),
    'a text that doubles': fill("<?php $a = 'aaaaaaaaaa'; for ($i = 0; $i < 100; $i++) { $a .= $a; } «EVAL»($a);"),
    'a text repeated': fill("<?php $a = str_repeat('a', 99999999999); $b = str_pad('', 1 << 30); «EVAL»($a . $b);"),
    'an endless loop': fill("<?php while (true) { $i++; } for (;;); do { $x[] = $i; } while (1); «EVAL»(«POST»['x']);"),
    'endless recursion': fill("<?php function f($x) { return f($x . 'a') . f($x); } «EVAL»(f('a'));"),
    'mutual recursion': fill('<?php function a($x) { return b($x + 1) . b($x + 2); } function b($x) { return a($x - 1) . a($x); } «EVAL»(a(1));'),
    'jumps in a circle': fill("<?php a: goto b; b: goto a; «EVAL»(«POST»['x']);"),
    'layers upon layers': `<?php ${nested}`,
    'code that runs itself': fill("<?php $c = '«EVAL»($c); «EVAL»($c);'; «EVAL»($c);"),
    'a long chain': fill(`<?php $a = ${Array.from({ length: 30_000 }, () => 'chr(97)').join('.')}; «EVAL»($a);`),
    'a pattern that backtracks': fill(`<?php $x = «PREG»('/(a+)+$/', 'b', '${'a'.repeat(5000)}!'); «EVAL»($x);`),
    'huge ranges': fill("<?php $a = range(0, 999999999); $b = array_fill(0, 999999999, 1); $c = array_map('chr', $a); «EVAL»(implode($c));"),
    'prototype names': fill("<?php $f = 'constructor'; $f(«GET»['x']); __proto__(1); toString(2); $a['__proto__'] = «POST»['x']; «EVAL»($a['__proto__']); echo hasOwnProperty;"),
    'bad numbers': fill("<?php $a = 1 << 99999; $b = -1 >> 1e300; $c = 1 % 0; $d = chr(NAN) . chr(-1e308) . ['a'][1e99]; $e = 'abc'[PHP_INT_MAX]; «EVAL»($d . $e);"),
  };
  for (const [name, source] of Object.entries(cases)) {
    it(name, () => {
      const { signs, cut } = analyse(source, cheap);
      expect(Array.isArray(signs) && Array.isArray(cut)).toBe(true);
    });
  }

  it('says what it did not see', () => {
    expect(analyse(cases['deep blocks']!, cheap).cut.length).toBeGreaterThan(0);
    expect(analyse(cases['layers upon layers']!, { ...cheap, layers: 5 }).cut).toContain('layers of decoded code');
    expect(analyse(`<?php ${'x();\n'.repeat(100)}`, { ...cheap, bytes: 100 }).cut).toContain('the end of a file that is too large');
  });

  it('never throws for pieces of samples put together', () => {
    const pieces = phpSamples().map(({ source }) => source.toString('latin1')).flatMap((text) => text.split(/(?<=[;{}()\s])/)).filter((piece) => piece.length < 200);
    assert(property(array(constantFrom(...pieces), { maxLength: 40 }), string({ unit: 'binary', maxLength: 20 }), (some, noise) => {
      const source = `<?php ${some.join('')}${noise}${some.slice(0, 5).join('')}`;
      expect(analyse(source, { ...cheap, time: 300 }).cut.filter((what) => what.startsWith('code of unexpected shape'))).toEqual([]);
    }), { numRuns: 300 });
  });
});
