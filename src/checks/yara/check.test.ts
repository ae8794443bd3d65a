import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { likeRootkit, signatureSamples } from '../../../test/signatures.ts';
import { scanRoot, shown, type Planted } from '../../../test/throwaway-root.ts';
import { yaraCheck } from './check.ts';
import { YaraEngine } from './engine.ts';

const child = join(import.meta.dirname, `../../../.cache/yara-child-${process.pid}.mjs`);
const rules = join(import.meta.dirname, '../../../signatures/yara');
beforeAll(async () => {
  mkdirSync(join(child, '..'), { recursive: true });
  await build({ entryPoints: [join(import.meta.dirname, 'child.ts')], outfile: child, bundle: true, platform: 'node', format: 'esm', target: 'node20', external: ['@virustotal/yara-x'] });
}, 60_000);
afterAll(() => { rmSync(child, { force: true }); });

const check = (folders: string[] = [rules]): ReturnType<typeof yaraCheck> => yaraCheck({ child, folders });

function folder(files: Record<string, string>): string {
  const made = mkdtempSync(join(tmpdir(), 'moat-yara-'));
  onTestFinished(() => { rmSync(made, { recursive: true, force: true }); });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(made, name), text);
  return made;
}

describe('own rules', () => {
  it('each know their sample, and nothing of packages is asked about', { timeout: 60_000 }, async () => {
    const planted: Planted = Object.fromEntries(Object.entries(signatureSamples).map(([rule, text]) => [`/tmp/${rule}`, { text, mode: 0o755 }]));
    const report = await scanRoot([check()], { ...planted, '/usr/bin/tool': { text: signatureSamples['tool_scanner_program']!, mode: 0o755, package: 'scanner' }, '/opt/changed': { text: signatureSamples['tool_scanner_program']!, mode: 0o755, package: 'changed', shipped: 'other' }, '/opt/notes': 'xmrig donate-level', '/usr/local/bin/ip': { text: likeRootkit, mode: 0o755 }, '/opt/own.sh': { text: '#!/bin/sh\ncurl -s https://health.invalid/x\n', mode: 0o755 } });
    expect(report.blind).toEqual([]);
    const found = report.findings.map(({ path, evidence }) => [path, evidence[0]!.what.en]);
    for (const rule of Object.keys(signatureSamples)) expect(found, rule).toContainEqual([`/tmp/${rule}`, `rule ${rule}`]);
    expect(found).toContainEqual(['/opt/changed', 'rule tool_scanner_program']);
    expect(found).toHaveLength(Object.keys(signatureSamples).length + 1);
  });
});

describe('rules that lie on the disk', () => {
  it('only quote what they look for; a program of that name does not', { timeout: 60_000 }, async () => {
    const own = folder({ 'a.yar': 'rule mine { meta: level = "critical" description = "tea" strings: $a = "green tea" condition: $a }' });
    const quoting = 'rule other {\n  strings: $x = "green tea"\n  condition: $x\n}\n';
    const report = await scanRoot([check([own])], { '/opt/rules/tea.yar': { text: quoting, mode: 0o755 }, '/tmp/tea.txt': { text: quoting, mode: 0o755 }, '/tmp/a.yar': { text: `#!/bin/sh\n${quoting}`, mode: 0o755 }, '/tmp/b.yar': { text: `\0${quoting}`, mode: 0o755 } });
    expect(shown(report).sort()).toEqual(['critical /tmp/a.yar', 'critical /tmp/b.yar', 'critical /tmp/tea.txt', 'low /opt/rules/tea.yar']);
  });
});

describe("people's rules", () => {
  it('are used beside others; one that cannot be read is told by file and line', { timeout: 60_000 }, async () => {
    const own = folder({ 'a.yar': 'rule mine { meta: level = "medium" description = "tea" strings: $a = "green tea" condition: $a }', 'b.yar': 'rule ok { condition: false }\nrule broken {\n  condition: nothing_such\n}\n' });
    const report = await scanRoot([check([rules, own])], { '/tmp/x': 'we sell green tea' });
    expect(shown(report)).toEqual(['medium /tmp/x']);
    expect(report.blind.map(({ what }) => what)).toEqual([`${join(own, 'b.yar')}:3`]);
  });
  it('that are not there are told; without any rule the check is blind', { timeout: 60_000 }, async () => {
    expect((await scanRoot([check([rules, '/nowhere'])], { '/tmp/x': 'x' })).blind.map(({ what }) => what)).toContain('/nowhere');
    expect((await scanRoot([check([folder({})])], {})).blind).toHaveLength(1);
  });
});

describe('the child', () => {
  const sources = [{ name: 'a', text: 'rule a { strings: $a = "tea" condition: $a }' }];
  it('is replaced after so many files, and when it is killed only its file is lost', { timeout: 60_000 }, async () => {
    const engine = new YaraEngine({ sources, child, scansEach: 2 });
    onTestFinished(() => engine.close());
    const pids = new Set<number | undefined>();
    for (let i = 0; i < 5; i++) { const scanned = await engine.scan(Buffer.from('tea')); expect(scanned).toMatchObject({ hits: [{ rule: 'a', strings: [{ offset: 0, length: 3 }] }] }); if (engine.pid) pids.add(engine.pid); }
    expect(pids.size).toBeGreaterThanOrEqual(2);
    const lost = engine.scan(Buffer.alloc(24 << 20, 't'));
    process.kill(engine.pid!, 'SIGKILL');
    expect(await lost).toHaveProperty('failed');
    expect(await engine.scan(Buffer.from('milk'))).toEqual({ hits: [] });
  });
  it('that takes too much memory or never starts fails its files, and the scan goes on', { timeout: 60_000 }, async () => {
    const small = new YaraEngine({ sources, child, maxMemory: 1 << 20 });
    onTestFinished(() => small.close());
    const results = await Promise.all(Array.from({ length: 6 }, () => small.scan(Buffer.alloc(8 << 20, 'x'))));
    expect(results.some((one) => 'failed' in one)).toBe(true);
    const none = new YaraEngine({ sources, child: '/nowhere/child.mjs' });
    onTestFinished(() => none.close());
    expect(await none.scan(Buffer.from('tea'))).toHaveProperty('failed');
  });
});
