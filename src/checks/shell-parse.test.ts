import { execFileSync } from 'node:child_process';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import '../../test/seed.ts';
import { lacks } from '../../test/need.ts';
import { outputOfPipeline, parseShell } from './shell-parse.ts';
import { outputOf, unescaped } from './shell-values.ts';

/** Pipelines as their words. */
const words = (text: string): string[][][] => parseShell(text).pipelines.map((pipeline) => pipeline.map((command) => command.words));
const flat = (text: string): string[] => words(text).flat().map((one) => one.join(' '));

describe('a script taken apart', () => {
  it('knows operators, quotes and redirections', () => {
    expect(words('a "b c" \'d\' e\\ f 2>&1 >/x | g && h || i & j; k\nl # m')).toEqual([[['a', 'b c', 'd', 'e f'], ['g']], [['h']], [['i']], [['j']], [['k']], [['l']]]);
    expect(parseShell('a < in > out >> more &> all').pipelines[0]![0]).toMatchObject({ from: 'in', to: ['out', 'more', 'all'] });
  });

  it('puts known variables in, splits them, and leaves unknown ones', () => {
    expect(flat('A=/tmp/x; B="-v w"; $A $B "$B" $C ${D:-e} ${A:0:4} ${A//x/y} ${A%/x}')).toEqual(['/tmp/x -v w -v w $C e /tmp /tmp/y /tmp']);
    expect(words('B="-v w"; x $B "$B"')[0]![0]).toEqual(['x', '-v', 'w', '-v w']);
    expect(flat('Q=1; export Q; export P=/opt; $P/run; for f in /dev/shm/a b; do $f; done; read P; $P')).toEqual(['export Q=1', 'export P=/opt', '/opt/run', '/dev/shm/a', 'read P', '$P']);
  });

  it('enters substitutions, and works out those that only decode', () => {
    expect(flat('x "$(y `z`)" <(w)')).toEqual(['z', 'y $()', 'w', 'x $() /dev/fd/63']);
    expect(flat('$(echo L3RtcC94 | base64 -d) -q')).toEqual(['echo L3RtcC94', 'base64 -d', '/tmp/x -q']);
    expect(flat("P=$'\\x2ftmp\\057y'; $P; {curl,-s,http://x}")).toEqual(['/tmp/y', 'curl -s http://x']);
  });

  it('keeps here-documents for their command', () => {
    const text = "A=1\ncat <<EOF | sh\nrun $A\nEOF\nsh <<-'END'\n\tkeep $A\n\tEND\nsh <<< \"x $A\"\n";
    expect(parseShell(text).pipelines.flat().map(({ words: [name], input, line }) => [line, name, input?.text])).toEqual([[2, 'cat', 'run 1\n'], [2, 'sh', undefined], [5, 'sh', 'keep $A\n'], [8, 'sh', 'x 1\n']]);
  });

  it('passes over what is no command: keywords, patterns, tests, functions', () => {
    expect(flat('if [[ $a < b ]]; then x; elif y; then z; else w; fi')).toEqual(['x', 'y', 'z', 'w']);
    expect(flat('case "$1" in\n start|go) a;; # no\n (stop) b;;\n *) c\nesac\nd')).toEqual(['a', 'b', 'c', 'd']);
    expect(flat('f() { a; }; function g { b; }; while read l; do c; done < /x; (( x > 1 )) && d; e $(( 1 + 2 ))')).toEqual(['a', 'b', 'read l', 'c', 'd', 'e 0']);
    expect(words('(a; b) | sh; { c; } | sh')).toEqual([[['a']], [['b'], ['sh']], [['c'], ['sh']]]);
  });

  const rune = fc.constantFrom(' ', '\n', '\t', '"', "'", '`', '$', '(', ')', '{', '}', '<', '>', '|', '&', ';', '#', '\\', '=', '*', '[', ']', '!', 'a', 'A', '0', '/', '-', ',', ':', '%', 'é', '\udc80', '\0');
  it('survives any text, and ends', () => {
    fc.assert(fc.property(fc.string({ unit: rune, maxLength: 400 }), (text) => {
      const { pipelines } = parseShell(text, new Map([['A', 'x $A "y'], ['a', '`']]));
      for (const pipeline of pipelines) { outputOfPipeline(pipeline, pipeline.length); for (const command of pipeline) if (command.line < 1 || command.start > command.end) throw new Error(text); }
    }), { numRuns: 1500 });
    const bits = fc.constantFrom('case x in ', 'a) ', ';;', ' esac ', '$(', ')', '`', '"', "'", '${A:-', '}', '<<E\n', '\nE\n', 'if ', ' then ', 'fi ', 'do ', 'done ', '((', '))', '[[ ', ' ]]', 'f() {', '| ', '<(', "$'\\x", 'A=$A$A ', 'eval ', 'for a in ', '\\\n');
    fc.assert(fc.property(fc.array(bits, { maxLength: 60 }), (parts) => { parseShell(parts.join('')); }), { numRuns: 1500 });
  });

  it('bounds what is made to grow', () => {
    const cases = ['$('.repeat(50_000), '`'.repeat(50_001), '('.repeat(100_000), '"$('.repeat(30_000), '${A:-'.repeat(50_000), 'A=xxxxxxxxxxxxxxxx;' + 'A=$A$A;'.repeat(5000), `${'cat <<E '.repeat(5000)}\nx\n`, 'a|'.repeat(100_000), "'".repeat(99_999), '\\'.repeat(99_999), `case x in ${'a|'.repeat(50_000)}`, '<'.repeat(50_000), '{a,b}'.repeat(20_000), 'A=(' + 'b '.repeat(99_999), '$((('.repeat(30_000), 'x '.repeat(200_000)];
    for (const text of cases) expect(parseShell(text).pipelines.length).toBeLessThan(100_001);
    expect(parseShell('a;'.repeat(300_000)).cut).toBe(true);
    expect(parseShell('A=xxxxxxxxxxxxxxxx;' + 'A=$A$A;'.repeat(60)).cut).toBe(true);
  });
});

describe.skipIf(lacks({ files: ['/bin/sh', '/bin/bash'] }))('beside the real shells', () => {
  it('gives the words that sh gives', () => {
    const piece = fc.oneof(
      fc.stringMatching(/^[a-z0-9_./:,+-]{1,6}$/), fc.stringMatching(/^[a-z |;&<>#()*]{0,6}$/).map((text) => `'${text}'`), fc.stringMatching(/^[a-z |;&<>#()'*]{0,6}$/).map((text) => `"${text}"`),
      fc.constantFrom('${A}', '"${A}"', '${B}', '"${B}c"', '${NOPE:-d e}', '"${NOPE:-d e}"', '\\ ', '\\$', '\\"', '"\\$x"', '"\\\\"', '$(echo f g)', '"$(echo f g)"', '`echo h`', '$(printf %s aGk= | base64 -d)', '"a$(echo "b c")d"'),
    );
    const command = fc.array(fc.array(piece, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('')), { minLength: 1, maxLength: 5 });
    const samples = fc.sample(command, 250).map((parts) => parts.join(' '));
    const head = "A='one two'; B=three; set -f\n";
    const script = head + samples.map((text) => `printf '%s\\037' ${text}; printf '\\036'`).join('\n');
    const real = execFileSync('/bin/sh', ['-c', script], { encoding: 'utf8', maxBuffer: 16 << 20 }).split('\x1e').slice(0, -1).map((one) => one.split('\x1f').slice(0, -1));
    const ours = samples.map((text) => parseShell(`${head}show ${text}`).pipelines.flat().findLast(({ words: [name] }) => name === 'show')!.words.slice(1));
    const differ = samples.flatMap((text, i) => (JSON.stringify(real[i]) === JSON.stringify(ours[i]) || (real[i]!.length === 1 && real[i]![0] === '' && ours[i]!.length === 0) ? [] : [`${text} → sh ${JSON.stringify(real[i])}, got ${JSON.stringify(ours[i])}`]));
    expect(differ).toEqual([]);
  });

  it('works out what the tools put out', () => {
    const pipelines = ["echo aGVsbG8= | base64 -d", "printf '%s-%s\\n' a b c d", "echo -e 'a\\tb\\x41'", "printf '\\x63\\165rl'", "echo 68656c6c6f | xxd -r -p", "echo uryyb | tr a-z n-za-m", "echo olleh | rev", "echo H4sIAAAAAAAAA8tIzcnJBwCGphA2BQAAAA== | base64 -d | gunzip", "echo NBSWY3DP | base32 -d", "echo aGk= | openssl base64 -d", "echo 'a b' | tr -d ' '", "cat <<< hi | base64 | cat"];
    for (const text of pipelines) {
      const tool = /xxd|openssl|rev/.exec(text)?.[0];
      if (tool !== undefined && lacks({ files: [`/usr/bin/${tool}`] })) continue;
      const pipeline = parseShell(text).pipelines.at(-1)!;
      const ours = outputOfPipeline(pipeline, pipeline.length)?.text;
      let real: string | undefined;
      try { real = execFileSync('/bin/bash', ['-c', text], { encoding: 'latin1', stdio: ['ignore', 'pipe', 'ignore'] }); } catch { real = undefined; /* the tool refuses what we refuse */ }
      if (ours !== undefined) expect([text, ours]).toEqual([text, real]);
      else expect(text).toContain('| base64 |');
    }
  });
});

it('reads escapes, and leaves what is none', () => {
  expect(unescaped(String.raw`\x41\101\u00e9\n\q\\`)).toBe('AA\u00e9\n\\q\\');
  expect(outputOf([{ words: ['curl', 'x'] }, { words: ['base64', '-d'] }])).toBeUndefined();
});
