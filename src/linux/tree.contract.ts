/** What every file tree promises, asked of each with the same content. */
import { expect, it } from 'vitest';
import { textOf, type Tree } from './tree.ts';

export interface ContractFile { path: string; kind: 'file' | 'folder' | 'link' | 'pipe' | 'hard-link'; text?: string; target?: string; mode?: number }

/** A name that is no UTF-8, as it is told and as it is written. */
const badName = { told: 'bad-\udcff\udc80', bytes: Buffer.from('bad-\xff\x80', 'latin1') };
export const modified = 1_700_000_000_000;

/** `at` makes paths and absolute targets what they are in this tree. In this order they can be made one after another. */
export const contractFiles = (at: (path: string) => string): ContractFile[] => [
  { path: '/etc', kind: 'folder' }, { path: '/usr', kind: 'folder' }, { path: '/usr/bin', kind: 'folder' }, { path: '/a', kind: 'folder' }, { path: '/a/b', kind: 'folder' },
  { path: '/etc/passwd', kind: 'file', text: 'root:x:0:0::/root:/bin/sh\n', mode: 0o644 },
  { path: '/usr/bin/tool', kind: 'file', text: 'tool', mode: 0o4755 },
  { path: '/usr/bin/again', kind: 'hard-link', target: '/usr/bin/tool' },
  { path: '/bin', kind: 'link', target: 'usr/bin' },
  { path: '/absolute', kind: 'link', target: at('/etc/passwd') },
  { path: '/a/b/up', kind: 'link', target: '../../bin' },
  { path: '/nowhere', kind: 'link', target: 'not-there' },
  { path: '/round', kind: 'link', target: 'round' },
  { path: '/one', kind: 'link', target: 'two' }, { path: '/two', kind: 'link', target: 'one' },
  { path: '/pipe', kind: 'pipe' },
  { path: '/empty', kind: 'file', text: '' },
  { path: `/${badName.told}`, kind: 'file', text: 'bad name' },
  { path: '/line\nbreak\u001b[2J', kind: 'file', text: 'odd name' },
  { path: '/\ufeffmark', kind: 'file', text: 'marked' },
];

/** `inside`: the tree ends where the content does, so that links that lead upwards stay in it. */
export function treeContract(name: string, make: () => { tree: Tree; at: (path: string) => string; inside: boolean }): void {
  it(`${name}: files, links, owners and modes`, () => {
    const { tree, at } = make();
    expect(tree.list(at('/'))).toEqual(expect.arrayContaining(['a', 'absolute', 'bin', 'empty', 'etc', 'usr']));
    expect([...tree.names(at('/'))!].sort()).toEqual(tree.list(at('/')));
    expect(tree.list(at('/bin'))).toEqual(['again', 'tool']);
    expect(tree.list(at('/etc/passwd'))).toBeUndefined();
    expect(tree.list(at('/nothing'))).toBeUndefined();
    expect(tree.stat(at('/nothing'))).toBeUndefined();
    expect(tree.stat(at('/etc/passwd/x'))).toBeUndefined();
    expect(tree.stat(at('/bin'))).toMatchObject({ kind: 'link' });
    expect(tree.stat(at('/bin/tool'))).toMatchObject({ kind: 'file', mode: 0o4755, size: 4, links: 2, modified });
    expect(tree.stat(at('/bin/tool'))!.inode).toBe(tree.stat(at('/usr/bin/again'))!.inode);
    expect(tree.stat(at('/bin/tool'))!.inode).not.toBe(tree.stat(at('/etc/passwd'))!.inode);
    expect(tree.stat(at('/pipe'))).toMatchObject({ kind: 'pipe' });
  });

  it(`${name}: links are followed and lead nowhere but inside`, () => {
    const { tree, at, inside } = make();
    expect(tree.real(at('/bin/tool'))).toBe(at('/usr/bin/tool'));
    expect(tree.real(at('/a/b/up/tool'))).toBe(at('/usr/bin/tool'));
    expect(tree.real(at('/absolute'))).toBe(at('/etc/passwd'));
    expect(tree.real(at('/nowhere'))).toBeUndefined();
    expect(tree.real(at('/round'))).toBeUndefined();
    expect(tree.real(at('/one/x'))).toBeUndefined();
    expect(tree.link(at('/a/b/up'))).toBe('../../bin');
    expect(tree.link(at('/etc/passwd'))).toBeUndefined();
    expect(textOf(tree, at('/absolute'))).toContain('root:x:0:0');
    if (inside) {
      expect(tree.real('/../../../etc/passwd')).toBe('/etc/passwd');
      expect(tree.real('/')).toBe('/');
    }
  });

  it(`${name}: contents by position, cut, never of pipes and folders`, () => {
    const { tree, at } = make();
    expect(tree.read(at('/etc/passwd'), 4)).toEqual({ bytes: Buffer.from('root'), cut: true });
    expect(tree.read(at('/empty'))).toEqual({ bytes: Buffer.alloc(0), cut: false });
    for (const path of ['/pipe', '/etc', '/nowhere', '/round', '/nothing']) expect(tree.read(at(path)), path).toBeUndefined();
    expect(tree.open(at('/absolute'))).toBeUndefined();
    expect(tree.open(at('/pipe'))).toBeUndefined();
    const file = tree.open(at('/usr/bin/tool'))!;
    const into = Buffer.alloc(10);
    expect([file.size, file.read(into, 1), into.toString('latin1', 0, 3), file.read(into, 4), file.read(into, 4000)]).toEqual([4, 3, 'ool', 0, 0]);
    file.close();
  });

  it(`${name}: names that are no text go out and come back`, () => {
    const { tree, at } = make();
    for (const name of [badName.told, 'line\nbreak\u001b[2J', '\ufeffmark']) {
      expect(tree.list(at('/'))).toContain(name);
      expect(tree.read(at(`/${name}`))!.bytes.length).toBeGreaterThan(5);
      expect(tree.real(at(`/${name}`))).toBe(at(`/${name}`));
    }
  });
}
