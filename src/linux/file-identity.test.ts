import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, expect, it } from 'vitest';
import { fileKey, findRotated, headBytes, mark, tailBytes } from './file-identity.ts';

const folder = mkdtempSync(join(tmpdir(), 'moat-identity-'));
afterAll(() => { rmSync(folder, { recursive: true }); });

it('finds a rotated copy also while it is being compressed', async () => {
  const log = join(folder, 'app.log'), text = Buffer.from(Array.from({ length: 100 }, (_, i) => `line ${i} of this log\n`).join(''));
  writeFileSync(log, '');
  writeFileSync(`${log}.1`, text);
  writeFileSync(join(folder, 'packed'), gzipSync(text));
  // The copy lies there at every moment, plain or compressed.
  const packer = spawn(process.execPath, ['-e', `
    const fs = require('fs'), log = process.argv[1], packed = fs.readFileSync(process.argv[2]), text = fs.readFileSync(log + '.1');
    // One turn for each look: none sees a whole round, as none does of a real one.
    const turn = (bytes, to, from) => {
      if (fs.readSync(0, Buffer.alloc(1)) === 0) process.exit();
      fs.writeFileSync(log + '.x', bytes); fs.renameSync(log + '.x', to); fs.unlinkSync(from);
      fs.writeSync(1, '.');
    };
    for (;;) {
      turn(packed, log + '.1.gz', log + '.1');
      turn(text, log + '.1', log + '.1.gz');
    }`, log, join(folder, 'packed')], { stdio: ['pipe', 'pipe', 'inherit'] });
  const gone = once(packer, 'exit');
  try {
    const sought = { key: fileKey(statSync(log, { bigint: true })), head: mark(text.subarray(0, headBytes)), tail: mark(text.subarray(1000 - tailBytes, 1000)), offset: 1000 };
    for (let i = 0; i < 2000; i++) {
      const turned = once(packer.stdout, 'data');
      packer.stdin.write('.');
      expect(await findRotated(log, sought), `look ${i}`).toMatchObject({ same: false });
      await turned;
    }
  } finally {
    packer.kill('SIGKILL');
    await gone;
  }
});
