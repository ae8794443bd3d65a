import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { assert, nat, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compile, temporary } from '../../test/compile.ts';
import { lacks } from '../../test/need.ts';
import { readElf } from './elf.ts';

const open = (bytes: Buffer): Parameters<typeof readElf>[0] => ({ size: bytes.length, read: (into, at) => bytes.copy(into, 0, at, at + into.length) });

describe.skipIf(lacks({ files: ['/usr/bin/gcc'] }))('what gcc makes', () => {
  it('reads loader, libraries and search folders', () => {
    const folder = temporary();
    const program = readFileSync(compile('int main(void){return 0;}', join(folder, 'a'), ['-Wl,-rpath,/opt/x:$ORIGIN/lib', '-Wl,--no-as-needed', '-lm']));
    expect(readElf(open(program))).toMatchObject({ bits: 64, type: 'shared', interpreter: expect.stringContaining('/ld-linux') as string, needed: ['libm.so.6', 'libc.so.6'], searched: ['/opt/x', '$ORIGIN/lib'] });
    const library = readFileSync(compile('int f(void){return 0;}', join(folder, 'b.so'), ['-shared', '-fPIC', '-Wl,-soname,libb.so.1']));
    expect(readElf(open(library))).toMatchObject({ interpreter: undefined, soname: 'libb.so.1', searched: [] });
    // Any part of it, and any byte changed, is borne.
    assert(property(nat(program.length), nat(1200), nat(255), (length, at, value) => {
      const broken = Buffer.from(program.subarray(0, length));
      if (at < broken.length) broken[at] = value;
      readElf(open(broken));
    }), { numRuns: 500 });
  });
});

it('is none for other files', () => {
  for (const bytes of [Buffer.alloc(0), Buffer.from('#!/bin/sh\n'), Buffer.from('\x7fELF'), Buffer.alloc(4096)]) expect(readElf(open(bytes))).toBeUndefined();
});
