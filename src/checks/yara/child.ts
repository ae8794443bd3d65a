/**
 * Runs YARA rules over files that its parent sends, in a process of its own: hostile bytes meet the engine here, and the parent can
 * kill it. An entry of the build. It ends itself when its parent is gone or it takes too much memory.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { setPriority } from 'node:os';
import { dirname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { Compiler, initSync, type Rules } from '@virustotal/yara-x';

/** A file of rules; `name` is its path as people know it. */
export interface Source { name: string; text: string }
export interface SourceFault { name: string; line: number; message: string }
export interface YaraHit { rule: string; source: string; meta: Record<string, string>; /** Identifier and offset of what matched. */ strings: { name: string; offset: number; length: number }[] }

export type ToChild = { kind: 'rules'; sources: Source[]; maxMemory: number; timeoutMs: number } | { kind: 'scan'; id: number; bytes: Uint8Array };
export type FromChild = { kind: 'ready'; rules: number; faults: SourceFault[] } | { kind: 'hits'; id: number; hits: YaraHit[] } | { kind: 'failed'; id: number; why: string };

/** What the engine answers. */
interface ScanAnswer { matches: { identifier: string; namespace: string; isPrivate: boolean; metadata: { identifier: string; value: unknown }[]; patterns: { identifier: string; matches: { offset: number; length: number }[] }[] }[] }

const stringsMax = 8;
let rules: Rules | undefined;
let timeoutSeconds = 10;

/** The main thread is inside the engine while it scans; another one watches. */
function watch(maxMemory: number): void {
  new Worker(`setInterval(() => { if (process.memoryUsage.rss() > ${maxMemory}) process.kill(process.pid, 'SIGKILL'); }, 100);`, { eval: true }).unref();
}

function compile(sources: readonly Source[]): SourceFault[] {
  initSync({ module: readFileSync(join(dirname(createRequire(import.meta.url).resolve('@virustotal/yara-x/package.json')), 'pkg/yara_x_js_bg.wasm')) });
  const faults: SourceFault[] = [];
  let all = together(sources);
  if (!all) {
    all = new Compiler();
    for (const { name, text } of sources) {
      const alone = new Compiler(); // one that failed takes no more sources
      try {
        alone.addSource(text);
        all.newNamespace(name);
        all.addSource(text);
      } catch (error) {
        const said = error instanceof Error ? error.message : String(error);
        faults.push({ name, line: Number(/line:(\d+)/.exec(said)?.[1] ?? 1), message: (said.split('\n')[0] ?? said).slice(0, 300) });
      } finally { alone.free(); }
    }
  }
  rules = all.build();
  return faults;
}

/** All of them at once, which takes half as long; undefined when one cannot be read. */
function together(sources: readonly Source[]): Compiler | undefined {
  const compiler = new Compiler();
  try {
    for (const { name, text } of sources) {
      compiler.newNamespace(name);
      compiler.addSource(text);
    }
    return compiler;
  } catch {
    compiler.free(); // which one it was is found by taking each alone
    return undefined;
  }
}

function scan(bytes: Uint8Array): YaraHit[] {
  const scanner = rules!.scanner();
  try {
    scanner.setTimeoutMs(timeoutSeconds * 1000);
    scanner.setMaxMatchesPerPattern(stringsMax);
    const { matches } = scanner.scan(bytes) as ScanAnswer;
    return matches.filter(({ isPrivate }) => !isPrivate).slice(0, 50).map(({ identifier, namespace, metadata, patterns }) => ({
      rule: identifier, source: namespace,
      meta: Object.fromEntries(metadata.map(({ identifier: name, value }) => [name, String(value).slice(0, 500)])),
      strings: patterns.flatMap(({ identifier: name, matches: found }) => found.slice(0, 1).map(({ offset, length }) => ({ name, offset, length }))).slice(0, stringsMax),
    }));
  } finally { scanner.free(); }
}

const say = (message: FromChild): void => { process.send!(message); };

process.on('disconnect', () => { process.exit(0); });
process.on('message', (message: ToChild) => {
  if (message.kind === 'rules') {
    setPriority(10);
    watch(message.maxMemory);
    timeoutSeconds = Math.max(1, message.timeoutMs / 1000);
    const faults = compile(message.sources);
    say({ kind: 'ready', rules: message.sources.length - faults.length, faults });
    return;
  }
  try {
    say({ kind: 'hits', id: message.id, hits: scan(message.bytes) });
  } catch (error) {
    say({ kind: 'failed', id: message.id, why: (error instanceof Error ? error.message : String(error)).slice(0, 300) });
  }
});
