/** What the command line does on another machine, each command beside the same on that machine itself. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync, truncateSync, copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type FarMoat, type Ran, startFarMoat } from '../../../test/far-moat.ts';
import { buildProgram } from '../program.ts';
import { missingAt, where } from './where.ts';

let far: FarMoat, incident: string;
const shop = (...args: string[]): Promise<Ran> => far.moat(['--remote', 'shop', ...args]);
const json = (text: string): Record<string, unknown> => JSON.parse(text.trim().split('\n').at(-1)!) as Record<string, unknown>;
const audited = async (): Promise<string[]> => (await far.owner('GET', '/audit?limit=200')  as { items: { by: string; operation: string }[] }).items.map(({ by, operation }) => `${by.split('/')[0]!} ${operation}`);

beforeAll(async () => {
  far = await startFarMoat();
  const { path } = await far.tokenFile('owner');
  expect(await far.moat(['remote', 'add', 'shop', far.url, '--fingerprint', far.fingerprint, '--token-file', path])).toMatchObject({ status: 0 });
  incident = json((await shop('incident', 'list', '--json')).out)['id'] as string;
}, 120_000);
afterAll(() => far.stop());

it('every command has its row in the table, and the guide has it', async () => {
  const program = await buildProgram(['--lang', 'en'], 'x');
  const leaves: string[] = [];
  const walk = (command: typeof program, words: readonly string[]): void => {
    const subs = command.commands.filter((one) => one.name() !== 'help');
    if (subs.length === 0) leaves.push(words.join(' '));
    for (const sub of subs) walk(sub, [...words, sub.name()]);
  };
  walk(program, []);
  expect(Object.keys(where).toSorted()).toEqual([...leaves, 'help'].toSorted());
  // The guide's page is made of it: npm run gen.
  const guide = readFileSync(new URL('../../../docs/guide/remote-commands.md', import.meta.url), 'utf8');
  for (const words of leaves) expect(guide, words).toContain(`\`${words}\``);
  expect(missingAt(1)).toContain('incident evidence');
  expect(missingAt(2)).toEqual([]);
});

it('plans, looks and refusals are those of the machine itself', async () => {
  const same: string[][] = [
    ['grants', '--all'], ['deny'], ['intel'], ['intel', 'check', '203.0.113.9', 'pool.example'], ['evidence', 'key'], ['incident', 'improve', incident, 'list'], ['blocklist', 'drop', 'nothing', '--why', 'x'],
    ['lock', 'nobody-of-this-name', '--plan'], ['stop-unit', 'nothing-like-this.service', '--plan'], ['unload', 'nothing_like_this', '--plan'], ['end-sessions', 'nobody-of-this-name', '--plan'], ['close-port', '6379/tcp'], ['limit', '203.0.113.9', '--rate', '10/s'],
    ['isolate', '--force'], ['release'], ['set', 'sysctl', 'nothing.like.this', '1', '--dry-run'], ['deny-file', '/bin/sh', '--dry-run'], ['deny', 'add', '/bin/sh'], ['cloud-step', 'x', 'y', 'z', '--dry-run'], ['restore-file', '/nothing/here', '--dry-run'], ['confirm', 'nothing'],
    ['incident', 'recover', incident, '--dry-run'], ['incident', 'indicators', incident], ['incident', 'export', incident, '--format', 'csv'], ['incident', 'export', incident, '--format', 'list'],
  ];
  // A plan, a search or a moment is of the time it was asked at.
  const settled = (text: string): string => text.replaceAll(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?Z?|\d\d:\d\d:\d\d|\(\d+ (?:s|min)\)|\br[0-9a-z]{12,16}\b/g, '~').replaceAll(/\(node:\d+\) .*\n|\(Use `node.*\n/g, '').replaceAll(/\S+moat\.yml|the configuration of that machine/g, 'FILE').trim();
  for (const args of same) {
    const [local, there] = await Promise.all([far.here(args), shop(...args)]);
    expect({ args, status: there.status, out: settled(there.out), err: settled(there.err).replaceAll(/^moat: the token may not do this: /g, 'moat: ') }).toEqual({ args, status: local.status, out: settled(local.out), err: settled(local.err) });
  }
}, 240_000);

it('what listens on that machine changes by the moment: it is judged there all the same', async () => {
  expect(await shop('firewall', 'check')).toMatchObject({ status: 0, out: expect.stringContaining('not enforced') as string });
});

it('what the packet filter would do is refused before it begins where there is none: nothing of it is left', async () => {
  for (const args of [['close-port', '6379/tcp', '--yes'], ['limit', '203.0.113.9', '--rate', '10/s', '--yes'], ['isolate', '--force', '--yes'], ['block', '203.0.113.77', '--why', 'x']]) {
    const { status, out, err } = await shop(...args);
    expect(status, args.join(' ')).toBe(args[0] === 'block' ? 1 : 2);
    expect(out + err).toMatch(/response\.firewall: off/);
    expect(out + err).not.toMatch(/could not be taken back/);
  }
  const tried = (await shop('actions', 'list', '--json')).out.split('\n').filter((line) => /close-port|rate-limit|isolate-host|203\.0\.113\.77/.test(line));
  expect(tried).toEqual([]);
  expect(json((await shop('status', '--json')).out)).toMatchObject({ response: { stuck: 0 } });
});

it('what asks a channel of that machine says when there is none', async () => {
  expect(await shop('notify', 'test')).toMatchObject({ status: 2, err: expect.stringContaining('no channel is switched on') as string });
  expect(await shop('notify', 'test', 'x')).toMatchObject({ status: 2, err: expect.stringContaining('no channel x') as string });
});

it('changes, takes back and keeps in the audit log what is asked for', async () => {
  const path = join(far.dir, 'settings.conf');
  writeFileSync(path, 'one\ntwo\nthree\n', { mode: 0o644 });
  expect(await shop('change-mode', 'settings.conf', '0600', '--yes')).toMatchObject({ status: 2, err: expect.stringContaining('a full path on that machine') as string });
  const mode = json((await shop('change-mode', path, '0600', '--yes', '--why', 'too open', '--json')).out);
  expect(mode).toMatchObject({ action: 'change-mode', status: 'applied', by: expect.stringMatching(/^token:li\//) as string, why: 'too open' });
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect((await shop('undo', String(mode['id']))).status).toBe(0);
  expect(statSync(path).mode & 0o777).toBe(0o644);
  const shown = await shop('remove-line', path, '2', '--plan');
  expect(shown.out).toContain('two');
  expect(await shop('remove-line', path, '9', '--yes')).toMatchObject({ status: 2, err: expect.stringContaining('line') as string });
  const line = json((await shop('remove-line', path, '2', '--yes', '--json')).out);
  expect(readFileSync(path, 'utf8')).toBe('one\nthree\n');
  expect((await shop('undo', String(line['id']))).status).toBe(0);
  expect(readFileSync(path, 'utf8')).toBe('one\ntwo\nthree\n');
  expect((await shop('incident', 'improve', incident, 'add', 'keys', 'only', '--owner', 'li')).out).toContain('keys only');
  expect((await far.here(['incident', 'improve', incident, 'list'])).out).toContain('keys only');

  const taken = json((await shop('quarantine', path, '--why', 'odd', '--json')).out);
  const { id: item } = json((await shop('quarantine', 'list', '--json')).out);
  expect((await shop('quarantine', 'cat', String(item))).out).toBe('one\ntwo\nthree\n');
  const zip = join(far.dir, 'item.zip');
  expect((await shop('quarantine', 'export', String(item), zip)).status).toBe(0);
  expect(readFileSync(zip).subarray(0, 2).toString()).toBe('PK');
  expect((await shop('restore', String(taken['id']))).status).toBe(0);
  expect(await shop('quarantine', 'cat', 'nothing0000')).toMatchObject({ status: 2, err: expect.stringContaining('nothing0000') as string });

  const { path: responder } = await far.tokenFile('responder');
  expect(await far.moat(['--remote', 'shop', 'grant', 'nobody-of-this-name', '--for', '1h', '--yes'], { MOAT_TOKEN_FILE: responder })).toMatchObject({ status: 2, err: expect.stringContaining('permission system') as string });
  expect(await audited()).toEqual(expect.arrayContaining(['token:li change-mode', 'token:li remove-line', 'token:li quarantine-export']));
}, 120_000);

it('scans there and says what was found, and puts nothing right that nothing puts right', async () => {
  writeFileSync(join(far.dir, 'root/etc/passwd'), 'root:x:0:0:root:/root:/bin/bash\ntoor:x:0:0::/root:/bin/bash\n');
  const found = await shop('scan', '--only', 'accounts', '--json');
  expect(found).toMatchObject({ status: 1 });
  const finding = json(found.out);
  expect(finding).toMatchObject({ check: 'accounts' });
  expect(await shop('fix', String(finding['id']), '--yes')).toMatchObject({ status: 1, out: expect.stringMatching(/no action puts this right|another folder/) as string });
  expect(await shop('scan', '--only', 'nothing-like-this')).toMatchObject({ status: 2, err: expect.stringContaining('nothing-like-this') as string });
}, 120_000);

it('collects evidence there, fetches it, proves it here, and goes on where it was cut off', async () => {
  const to = join(far.dir, 'case.tar');
  expect(await shop('incident', 'evidence', incident)).toMatchObject({ status: 2, err: expect.stringContaining('--why') as string });
  const made = await shop('incident', 'evidence', incident, '--only', 'session', '--memory', 'none', '--no-commands', '--to', to, '--why', 'for the case', '--json');
  expect(made, made.err).toMatchObject({ status: 0 });
  const { id, fingerprint, head, ok } = json(made.out) as Record<string, string>;
  expect(ok).toBe(true);
  // Proved by who has nothing of that machine.
  expect(await far.moat(['evidence', 'verify', to, '--key', fingerprint!, '--head', head!])).toMatchObject({ status: 0 });
  const original = join(far.dir, `data/evidence/${id!}.tar`);
  const digest = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');
  expect(digest(to)).toBe(digest(original));
  expect(await shop('incident', 'evidence', incident, '--to', to, '--why', 'again')).toMatchObject({ status: 2, err: expect.stringContaining('there already') as string });
  expect((await shop('evidence', 'verify', id!)).out).toContain('untouched');
  expect((await shop('evidence', 'show', id!)).out).toContain('items/moat/story.json');
  expect((await shop('evidence', 'show', to)).status, 'a file of this machine').toBe(0);

  // What an earlier run left of it is not fetched again.
  const again = join(far.dir, 'again.tar'), tag = head!.replaceAll(/[^0-9A-Za-z]/g, '').slice(0, 24);
  copyFileSync(original, `${again}.${tag}.part`);
  truncateSync(`${again}.${tag}.part`, 1000);
  expect(await shop('evidence', 'export', id!, '--to', again, '--why', 'the rest')).toMatchObject({ status: 0, err: expect.stringContaining('proved untouched here') as string });
  expect(digest(again)).toBe(digest(original));
  // What was changed on its way keeps the name of a part.
  const bad = join(far.dir, 'bad.tar'), part = `${bad}.${tag}.part`;
  writeFileSync(part, Buffer.alloc(1000, 'x'));
  expect(await shop('evidence', 'export', id!, '--to', bad)).toMatchObject({ status: 1, err: expect.stringContaining('NOT as it was') as string });
  expect([existsSync(bad), existsSync(part)]).toEqual([false, true]);
  const piped = await shop('evidence', 'export', id!, '--to', '-');
  expect(createHash('sha256').update(piped.bytes).digest('hex')).toBe(digest(original));

  expect((await shop('evidence', 'hold', id!, '--why', 'the court')).out).toContain('on hold');
  expect(await shop('evidence', 'remove', id!, '--why', 'x', '--yes')).toMatchObject({ status: 2, err: expect.stringContaining('the court') as string });
  expect((await shop('evidence', 'release', id!)).status).toBe(0);
  expect((await shop('evidence', 'remove', id!, '--why', 'over', '--yes')).out).toContain('removed');
  expect(existsSync(original)).toBe(false);
  const { path: reader } = await far.tokenFile('reader');
  expect(await far.moat(['--remote', 'shop', 'incident', 'evidence', incident, '--why', 'x'], { MOAT_TOKEN_FILE: reader })).toMatchObject({ status: 2, err: expect.stringContaining('the token may not do this') as string });
  expect(await audited()).toEqual(expect.arrayContaining(['token:li evidence-collect', 'token:li evidence-export', 'token:li evidence-hold', 'token:li evidence-remove']));
}, 180_000);
