import { expect, it } from 'vitest';
import { shellWords } from './shell-words.ts';

it('quotes what a shell would take for more than a word', () => {
  expect(shellWords(['rm', '-f', '/tmp/a b', "it's", '$(id)', '', 'a=b'])).toBe(String.raw`rm -f '/tmp/a b' 'it'\''s' '$(id)' '' a=b`);
});
