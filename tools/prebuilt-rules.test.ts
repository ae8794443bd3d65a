/** What stands in dist of the rules that ship is what reading them says, of every one of them. */
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { ruleFiles } from '../src/agent/detector.ts';
import { prebuiltYaml, readPrebuilt } from '../src/sigma/prebuilt.ts';
import { planRegex } from '../src/sigma/regex.ts';
import { readYaml } from '../src/sigma/yaml.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');

test('the rules that ship are prebuilt, as this source reads them', () => {
  const names = readdirSync(dist).filter((name) => /^rules-\w+\.json$/.test(name));
  expect(names, 'npm run build').toHaveLength(1);
  // A bundle that does not ask for it would read every rule, and nobody would notice.
  expect(readdirSync(dist).filter((name) => name.endsWith('.js') && readFileSync(join(dist, name), 'utf8').includes(`"./${names[0]}"`))).toHaveLength(1);
  const prebuilt = readPrebuilt(readFileSync(join(dist, names[0]!), 'utf8'));
  const files = ruleFiles(join(root, 'rules'));
  expect(files.length).toBeGreaterThan(300);
  for (const { file, text } of files) expect(prebuiltYaml(prebuilt, text, createHash('sha256').update(text).digest('hex'))?.documents, `${file}: npm run build`).toEqual(readYaml(text).documents);
  expect(prebuilt.files.size).toBe(files.length);
  expect(prebuilt.regexes.size).toBeGreaterThan(100);
  for (const [key, plan] of prebuilt.regexes) {
    const slash = key.indexOf('/');
    const flags = key.slice(0, slash);
    expect(plan, key).toEqual(planRegex(key.slice(slash + 1), { i: flags.includes('i'), m: flags.includes('m'), s: flags.includes('s') }));
  }
});
