import { test } from 'vitest';
import { readFileSync } from 'node:fs';
import { loadRules, ownRules } from '../src/agent/detector.ts';
import { decodeText } from '../src/agent/rule-tests.ts';
test('real', () => {
  const { engine } = loadRules([ownRules()]);
  decodeText(readFileSync(process.env.F!, 'utf8'), process.env.FMT ?? 'sigma-json', Date.parse('2026-12-31T23:59:59Z'), (e) => engine.evaluate(e, (m) => { if (m.rule.level !== 'info') console.log(`${m.rule.name} ${m.rule.level}: ${(e.process_path ?? '')} :: ${(e.process_cmdline ?? e.message ?? '').slice(0, 300)} <- ${e.parent_path} ${JSON.stringify(m.group)}`); }));
});
