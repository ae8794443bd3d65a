import { spawnSync } from 'node:child_process';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lacks } from '../../test/need.ts';
import { isQuotedInJson } from './quoted.ts';

const page = '<?php $x = "a"; eval($_POST["c"]); ?>';

describe('JSON that quotes PHP', () => {
  it('is what a cache of compiled sources holds', () => {
    expect(isQuotedInJson(JSON.stringify({ code: `const page = '${page}';\nwriteFileSync(at, page);`, map: { mappings: 'AAAA' } }))).toBe(true);
    expect(isQuotedInJson(JSON.stringify([page, "<?php system($_GET['c']); ?>"]))).toBe(true);
  });

  it('is no JSON that PHP runs as well, and nothing that depends on its settings', () => {
    for (const text of [
      `{"a":"<?php eval($_POST['c']); ?>"}`, `{"a":"<?php eval($_POST['c']); //"}`, `{"a":"<?php eval($_POST['c']); /*","b":"\\" */ ?>"}`,
      // The escaped quote stands in a text, a comment, data behind the end, or code that is none with short tags.
      `{"a":"<?php $a='\\"'; eval($_POST['c']); ?>"}`, `{"a":"<?php /*\\"*/ eval($_POST['c']); ?>"}`, `{"a":"<?php eval($_POST['c']); __HALT_COMPILER(); \\""}`, `{"a":"<? /* <?php \\" */ eval($_POST['c']); ?>"}`, `{"a":"<?php eval($_POST['c']); # ?> \\" "}`, `{"a":"<?php eval($_POST['c']); ?> \\" "}`,
      page, `x ${JSON.stringify(page)}`, '{}', '{"a":"\\""}',
    ]) expect(isQuotedInJson(text), text).toBe(false);
  });

  it.skipIf(lacks({ files: ['/usr/bin/php'] }))('is never compiled by PHP itself, whatever it holds', () => {
    const bit = fc.constantFrom('<?php ', '<?= ', '?>', '"', "'", '`', '\\', '/*', '*/', '//', '#', '\n', ' ', ';', 'eval($_POST[1]);', '$a=', 'echo 1;', '(', ')', 'x');
    const texts: string[] = [];
    fc.assert(fc.property(fc.array(bit, { minLength: 2, maxLength: 14 }), (bits) => { const text = JSON.stringify({ a: bits.join('') }); if (isQuotedInJson(text)) texts.push(text); }), { numRuns: 20_000, seed: 7 });
    expect(texts.length).toBeGreaterThan(200);
    const check = 'foreach (json_decode(file_get_contents("php://stdin")) as $text) { try { token_get_all($text, TOKEN_PARSE); echo $text, "\\n"; } catch (ParseError $e) { } }';
    // What PHP does take comes out again.
    const runs = `{"a":"<?php eval($_POST['c']); ?>"}`;
    for (const short of ['0', '1']) {
      const ran = spawnSync('/usr/bin/php', ['-n', '-d', 'extension=tokenizer', '-d', `short_open_tag=${short}`, '-r', check], { input: JSON.stringify([...texts, runs]), encoding: 'utf8' });
      expect([ran.status, ran.stdout.split('\n').filter((line) => line.startsWith('{'))]).toEqual([0, [runs]]);
    }
  });
});
