/** The command line against a real agent's server, over TLS on loopback. */
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FarMoat, type Ran, startFarMoat } from '../../../test/far-moat.ts';
import { askControl } from '../../agent/control.ts';
import { ownCertificate } from '../../api/access/certificate.ts';
import { openDatabase } from '../../stores/sqlite/driver.ts';
import { operations } from './operations.ts';
import { checkUrl, targetOf } from './profiles.ts';

let far: FarMoat, dir: string, url: string, fingerprint: string;
const data = (): string => join(dir, 'data');
const moat: FarMoat['moat'] = (...args) => far.moat(...args);
const here: FarMoat['here'] = (args) => far.here(args);
const tokenFile: FarMoat['tokenFile'] = (...args) => far.tokenFile(...args);

beforeAll(async () => {
  far = await startFarMoat();
  ({ dir, url, fingerprint } = far);
}, 120_000);
afterAll(() => far.stop());

/** What is the same however one asks, but for the moment it is asked at. */
const settled = (text: string): string => text.replaceAll(/\d\d:\d\d:\d\d|\(\d+ (?:s|min)\)/g, '~').trim();

describe('moat remote', () => {
  it('adds a server whose fingerprint fits, and none other', async () => {
    const { path } = await tokenFile('owner');
    expect(await moat(['remote', 'add', 'shop', url])).toMatchObject({ status: 2, err: expect.stringContaining(`--fingerprint ${fingerprint}`) as string });
    expect(await moat(['remote', 'add', 'shop', url, '--fingerprint', 'ab'.repeat(32)])).toMatchObject({ status: 2, err: expect.stringContaining(fingerprint) as string });
    expect((await moat(['remote', 'list'])).out).toContain('no remote servers');
    expect(await moat(['remote', 'add', 'shop', url, '--fingerprint', fingerprint.toLowerCase().replaceAll(':', ''), '--token-file', path])).toMatchObject({ status: 0 });
    expect(await moat(['remote', 'add', 'shop', url, '--fingerprint', fingerprint])).toMatchObject({ status: 2, err: expect.stringContaining('--replace') as string });
    expect((await moat(['remote', 'list', '--json'])).out).toContain(`"url":"${url}"`);
  });

  it('answers as the machine itself does', async () => {
    const [first] = (await here(['alerts', '--json'])).out.split('\n');
    const { id: alert } = JSON.parse(first!) as { id: string };
    const { id: incident } = JSON.parse((await here(['incident', 'list', '--json'])).out.split('\n').find((line) => line.includes('"story"')) ?? (await here(['incident', 'list', '--json'])).out.split('\n')[0]!) as { id: string };
    const same = [['alerts'], ['alerts', '--json'], ['alerts', 'show', alert], ['incident', 'list'], ['incident', 'list', '--json'], ['incident', 'show', incident, '--alerts'], ['blocklist'], ['actions'], ['allow'], ['playbook'], ['playbook', 'show', 'brute-force'], ['playbook', 'linkage'], ['quarantine', 'list'], ['evidence'], ['findings'], ['query', 'SELECT count(*) AS n FROM events'], ['hunt', 'SELECT name, uid FROM users ORDER BY uid LIMIT 3', '--csv'], ['hunt', "SELECT part FROM sensors WHERE part LIKE 'logfile%'", '--json'], ['hunt', '--tables', 'processes'], ['approve'], ['ps']];
    for (const args of same) {
      const [local, far] = await Promise.all([here(args), moat(['--remote', 'shop', ...args])]);
      expect({ args, status: far.status, out: settled(far.out).replace(/in quarantine$/, '') }).toEqual({ args, status: local.status, out: settled(local.out).replace(/in \S*quarantine$/, '') });
    }
    expect((await moat(['--remote', url, 'status'])).out).toContain('0.1.0');
    expect((await moat(['audit', 'list'], { MOAT_REMOTE: 'shop' })).out).toContain('token-add');
    expect((await moat(['--remote', 'shop', 'incident', 'report', incident])).out).toContain(incident);
  }, 120_000);

  it('does what it is asked to, in the name of the token', async () => {
    const shop = (...args: string[]): Promise<Ran> => moat(['--remote', 'shop', ...args]);
    const path = join(dir, 'odd');
    writeFileSync(path, 'odd');
    expect(await shop('allow', 'add', '192.0.2.7')).toMatchObject({ status: 2, err: expect.stringContaining('--why') as string });
    expect((await shop('allow', 'add', '192.0.2.7', '--why', 'office')).out).toContain('192.0.2.7');
    const receipt = JSON.parse((await shop('quarantine', path, '--why', 'odd', '--json')).out) as { id: string; by: string };
    expect(receipt.by).toMatch(/^token:li\//);
    expect((await shop('actions')).out).toContain(receipt.id);
    expect((await shop('undo', receipt.id)).status).toBe(0);
    expect(readFileSync(path, 'utf8')).toBe('odd');
    const [line] = (await shop('incident', 'list', '--json')).out.split('\n');
    const { id } = JSON.parse(line!) as { id: string };
    expect((await shop('incident', 'note', id, 'seen', 'from', 'afar')).status).toBe(0);
    expect((await here(['incident', 'show', id])).out).toContain('seen from afar');
    expect((await shop('incident', 'plan', id)).status).toBe(0);
    const { id: alert } = JSON.parse((await shop('alerts', '--json')).out.split('\n')[0]!) as { id: string };
    expect((await shop('alerts', 'close', alert)).out).toContain('closed');
    expect(await shop('alerts', 'close', 'nothing')).toMatchObject({ status: 1 });
  }, 60_000);

  it('says what cannot be done from afar, and does not do it here', async () => {
    for (const args of [['scan', '--root', '/nothing'], ['baseline', 'diff'], ['evidence', 'image', '/dev/none', '--to', dir], ['up'], ['rules', 'list'], ['server', 'set-up'], ['doctor']]) expect(await moat(['--remote', 'shop', ...args]), args.join(' ')).toMatchObject({ status: 2, err: expect.stringContaining('on the machine itself only') as string });
  });

  it('is used by every command until this machine is used again', async () => {
    expect((await moat(['remote', 'use', 'shop'])).status).toBe(0);
    expect((await moat(['status'])).out).toContain('0.1.0');
    expect(await moat(['baseline', 'status'])).toMatchObject({ status: 2, err: expect.stringContaining('brought by whoever runs it') as string });
    expect((await moat(['config'])).status).toBe(0);
    expect(await here(['status'])).toMatchObject({ status: 0 });
    expect((await moat(['remote', 'use', 'local'])).status).toBe(0);
    expect(await moat(['status'])).toMatchObject({ status: 2, err: expect.stringContaining('moat up') as string });
    expect(await moat(['remote', 'use', 'elsewhere'])).toMatchObject({ status: 2 });
  });

  it('refuses a token that is gone, too weak, missing or open to others', async () => {
    const [weak, old, loose] = [await tokenFile('reader'), await tokenFile('owner'), await tokenFile('owner', 0o644)];
    const db = openDatabase(join(data(), 'moat.db'), { readOnly: false });
    db.prepare("UPDATE api_token SET expires = 1, value = json_set(value, '$.expires', 1) WHERE id = ?").run(old.id);
    db.close();
    const by = (path: string, ...args: string[]): Promise<Ran> => moat(['--remote', 'shop', ...args], { MOAT_TOKEN_FILE: path });
    expect((await by(weak.path, 'alerts')).status).toBe(0);
    expect(await by(weak.path, 'block', '203.0.113.9', '--why', 'x')).toMatchObject({ status: 1, out: expect.stringContaining('the token may not do this') as string });
    expect(await by(weak.path, 'audit')).toMatchObject({ status: 2, err: expect.stringContaining('the token may not do this') as string });
    expect(await by(old.path, 'status')).toMatchObject({ status: 2, err: expect.stringContaining('no longer') as string });
    expect(await by(loose.path, 'status')).toMatchObject({ status: 2, err: expect.stringContaining('chmod 600') as string });
    expect(await by(join(dir, 'none'), 'status')).toMatchObject({ status: 2, err: expect.stringContaining('none') as string });
  }, 60_000);

  it('speaks to nobody else: another authority, a server that leaves in mid answer, one that is gone', async () => {
    const other = await ownCertificate(join(dir, 'other-tls'), ['127.0.0.1'], Date.now());
    let heard = 0, leaves = false;
    const server = createServer({ key: other.key, cert: other.cert }, (_asked, answer) => {
      heard++;
      answer.writeHead(200, { 'content-type': 'application/json', 'content-length': 1000 });
      answer.write('{"items":[');
      if (leaves) setImmediate(() => answer.destroy());
    });
    await new Promise<void>((done) => { server.listen(0, '127.0.0.1', done); });
    const there = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      const config = join(dir, 'config/moat/remotes.json');
      const kept = JSON.parse(readFileSync(config, 'utf8')) as { remotes: Record<string, { url: string }> };
      writeFileSync(config, JSON.stringify({ ...kept, remotes: { ...kept.remotes, moved: { ...kept.remotes['shop'], url: there } } }));
      expect(await moat(['--remote', 'moved', 'status'])).toMatchObject({ status: 2, err: expect.stringContaining('not the one that was pinned') as string });
      expect(heard).toBe(0);
      leaves = true;
      const { path } = await tokenFile('reader');
      expect(await moat(['remote', 'add', 'leaving', there, '--fingerprint', other.fingerprint, '--token-file', path])).toMatchObject({ status: 0 });
      expect(await moat(['--remote', 'leaving', 'alerts'])).toMatchObject({ status: 2, err: expect.stringContaining('in the middle of its answer') as string });
      expect(await moat(['--remote', 'leaving', 'undo', 'x'])).toMatchObject({ status: 2, err: expect.stringContaining('may have been done') as string });
    } finally { await new Promise((done) => { server.close(done); server.closeAllConnections(); }); }
    expect(await moat(['--remote', 'leaving', 'alerts'])).toMatchObject({ status: 2, err: expect.stringContaining('no Moat server answers') as string });
    expect(await moat(['remote', 'remove', 'leaving'])).toMatchObject({ status: 0, out: expect.stringContaining('revoke it') as string });
    expect(await moat(['--remote', 'leaving', 'alerts'])).toMatchObject({ status: 2, err: expect.stringContaining('no remote server named') as string });
  }, 60_000);
});

it('addresses are those of a server, and plain HTTP is for loopback', () => {
  for (const odd of ['shop', 'https://a:b@shop', 'https://shop/path', 'ftp://shop', 'http://shop.example', 'https://shop/?x']) expect(() => checkUrl(odd), odd).toThrow();
  expect(checkUrl('https://Shop.example:8443/')).toBe('https://shop.example:8443');
  expect(checkUrl('http://[::1]:8443')).toBe('http://[::1]:8443');
  expect(() => targetOf('https://new.example', () => ({ version: 1, remotes: {} }))).toThrow(expect.objectContaining({ code: 'not-trusted' }));
});

it('every operation that is asked from afar is one that the control socket has', async () => {
  for (const op of Object.keys(operations)) await expect(askControl(data(), `no ${op}`)).rejects.toThrow(new RegExp(`[ ,]${op}(?:,|$)|expected op to be one of ${op},`));
});
