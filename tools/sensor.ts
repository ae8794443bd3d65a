/**
 * Keeps the prebuilt eBPF objects true to their source. sensor/objects.json records the digest of the source that
 * each object was built from. `tsx tools/sensor.ts` builds them anew (clang, llvm-strip, libbpf-dev) and records it;
 * `--check` compares the digests, and where clang is there also builds once more to see that the source still builds.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = join(dirname(fileURLToPath(import.meta.url)), '../sensor');
const record = join(folder, 'objects.json');

interface Recorded { source: string; objects: Record<string, string> }

const digest = (...parts: (Buffer | string)[]): string => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
};

/** Everything that goes into an object, names included. */
function sourceDigest(): string {
  const files = ['', 'gen/'].flatMap((sub) => readdirSync(join(folder, sub)).filter((name) => /\.[ch]$/.test(name)).map((name) => sub + name)).sort();
  return digest(...[...files, 'Makefile'].flatMap((name) => [`${name}\0`, readFileSync(join(folder, name)), '\0']));
}

const objectNames = (at: string): string[] => readdirSync(at).filter((name) => name.endsWith('.bpf.o')).sort();
const objectDigests = (at: string): Record<string, string> => Object.fromEntries(objectNames(at).map((name) => [name, digest(readFileSync(join(at, name)))]));
const hasClang = spawnSync('clang', ['--version']).status === 0 && spawnSync('llvm-strip', ['--version']).status === 0 && existsSync('/usr/include/bpf/bpf_helpers.h');

function check(): string[] {
  if (!existsSync(record)) return ['sensor/objects.json is missing'];
  const recorded = JSON.parse(readFileSync(record, 'utf8')) as Recorded;
  const faults: string[] = [];
  if (recorded.source !== sourceDigest()) faults.push('the source of the kernel sensor has changed since its objects were built');
  const present = objectDigests(folder);
  for (const name of new Set([...Object.keys(present), ...Object.keys(recorded.objects)])) {
    if (present[name] !== recorded.objects[name]) faults.push(`sensor/${name} is not the recorded one`);
  }
  if (!hasClang) { console.log('no clang: the objects of the kernel sensor were compared by digest only'); return faults; }
  // Another clang makes other bytes: what is looked at is that it builds, and to the same programs and maps.
  const copy = mkdtempSync(join(tmpdir(), 'moat-sensor-'));
  try {
    cpSync(folder, copy, { recursive: true });
    for (const name of objectNames(copy)) rmSync(join(copy, name));
    execFileSync('make', ['-s', '-C', copy], { stdio: 'inherit' });
    if (objectNames(copy).join() !== objectNames(folder).join()) faults.push(`the Makefile builds ${objectNames(copy).join(', ')}, kept are ${objectNames(folder).join(', ')}`);
  } finally { rmSync(copy, { recursive: true }); }
  return faults;
}

if (process.argv.includes('--check')) {
  const faults = check();
  for (const fault of faults) console.error(`${fault}; run: npx tsx tools/sensor.ts`);
  process.exitCode = faults.length > 0 ? 1 : 0;
} else {
  for (const name of objectNames(folder)) rmSync(join(folder, name));
  execFileSync('make', ['-s', '-C', folder], { stdio: 'inherit' });
  const made: Recorded = { source: sourceDigest(), objects: objectDigests(folder) };
  writeFileSync(record, `${JSON.stringify(made, null, 2)}\n`);
}
