/** What somebody at another desk does to a host by its API: each deed for real, by the command line in the network of that desk, and taken back. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askControl } from '../../src/agent/control.ts';
import { moatBin, moatBundle, onlyLog, type RunningMoat, startMoat } from '../live/moat.ts';
import { hostAddress, lacksScenario, office, type ScenarioHost, startScenarioHost, visitor } from '../scenario-host.ts';
import { startSession, type TestSession } from '../sessions.ts';
import { says } from './scene.ts';

type Row = Record<string, unknown>;
interface Ran { code: number; out: string; err: string }
const mallory = 471101;
const documents = ['orders.csv', 'ledger.csv', 'letters.txt'];

describe.skipIf(lacksScenario(['/usr/sbin/nft', '/usr/bin/socat', '/usr/bin/restic', '/usr/bin/sudo', '/usr/bin/setpriv', '/usr/bin/perl', '/proc/self/loginuid']))('from another machine', () => {
  const desk = mkdtempSync(join(tmpdir(), 'moat-desk-'));
  let host: ScenarioHost, moat: RunningMoat;

  /** At the desk: in its network, with nothing of the host but a token. */
  const shop = async (...args: string[]): Promise<Ran> => {
    const { code, stdout, stderr } = await host.outside('/usr/bin/env', [`XDG_CONFIG_HOME=${desk}`, `MOAT_DATA=${desk}/nowhere`, 'MOAT_REMOTE=', 'NO_COLOR=1', process.execPath, moatBundle, '--lang', 'en', ...args]);
    return { code, out: stdout, err: stderr };
  };
  const done = async (...args: string[]): Promise<Row[]> => {
    const { code, out, err } = await shop('--remote', 'shop', ...args, '--json');
    expect(code, `${args.join(' ')}: ${out}${err}`).toBe(0);
    return out.trim().split('\n').filter(Boolean).map((line) => JSON.parse(line) as Row);
  };
  const one = async (...args: string[]): Promise<Row> => (await done(...args)).at(-1)!;
  const undo = async ({ id }: Row): Promise<Row> => one('undo', String(id), '--why', 'enough');
  const reaches = async (port: number, from: string): Promise<boolean> => (await host.outside('/usr/bin/socat', ['-u', '/dev/null', `TCP:${hostAddress}:${port},bind=${from},connect-timeout=1`])).code === 0;
  const until = async (what: string, look: () => boolean | Promise<boolean>): Promise<void> => {
    for (const end = Date.now() + 30_000; Date.now() < end; await sleep(100)) if (await look()) return;
    throw new Error(`expected ${what}; ${moat.said()}`);
  };
  const inHost = (path: string): string => join(host.root, path);

  beforeAll(async () => {
    execFileSync(process.execPath, [moatBin, '--version'], { stdio: 'ignore' });
    host = await startScenarioHost();
    // sudo asks for its host's own name each time, and nobody answers names here.
    host.plant('/etc/hosts', '127.0.0.1 localhost shop-1\n');
    host.plant('/srv/shop/orders.csv', 'id,what\n1,boats\n');
    host.plant('/srv/shop/ledger.csv', 'day,sum\n1,40\n');
    host.plant('/srv/shop/letters.txt', 'Dear harbour,\n');
    host.plant('/etc/nightly.secret', 'only the tide knows\n', { mode: 0o600 });
    await host.must('useradd', '-m', '-u', String(mallory), '-s', '/bin/bash', 'mallory');
    await host.must('sh', '-c', 'echo "mallory:seven tall masts 9" | chpasswd');
    for (const args of [['init'], ['backup', '/srv/shop']]) await host.must('env', 'RESTIC_PASSWORD_FILE=/etc/nightly.secret', 'RESTIC_REPOSITORY=/var/backups/nightly', 'restic', '--no-cache', '--quiet', ...args);
    await host.service('page', '[Service]\nExecStart=/usr/bin/socat TCP-LISTEN:80,fork,reuseaddr SYSTEM:cat\n');
    await host.service('miner', '[Service]\nExecStart=/bin/sleep 3000\n');
    const time = new Date().toString().slice(4, 24).replace(/ \d{4} /, ' ').replace(/^(\w{3}) 0/, '$1  ');
    // After the backup, which is from before it began.
    await sleep(2200);
    host.plant('/var/log/auth.log', Array.from({ length: 25 }, (_, i) => `${time} shop-1 sshd[${4000 + i}]: Failed password for root from 198.51.100.7 port ${40_000 + i} ssh2\n`).join(''));
    moat = await startMoat(`${onlyLog('/var/log/auth.log')}response: { mode: observe, isolation_test_seconds: 5 }\nserver: { address: ${hostAddress}, port: 8443 }\nrecovery: { repositories: [{ name: nightly, kind: restic, repository: /var/backups/nightly, password_file: /etc/nightly.secret }] }\n`, { on: { enter: host.enter, data: host.data, node: process.execPath, moat: '/opt/moat/bin/moat' } });

    const data = join(moat.folder, 'data');
    const { url, fingerprint } = await askControl(data, 'server') as Record<string, string>;
    const { link } = await askControl(data, 'server-set-up') as Record<string, string>;
    const curl = async (path: string, body: object, headers: string[] = []): Promise<Row> => JSON.parse((await host.outside('/usr/bin/curl', ['-sk', '-b', join(desk, 'jar'), '-c', join(desk, 'jar'), '-H', 'content-type: application/json', ...headers, '-d', JSON.stringify(body), `https://${hostAddress}:8443/api/v1${path}`])).stdout) as Row;
    const password = 'correct horse battery';
    const { csrf } = await curl('/setup', { token: link!.split('#')[1], name: 'li', password });
    const { secret } = await curl('/tokens', { name: 'desk', role: 'owner', days: 1, own_password: password }, ['-H', `x-moat-csrf: ${String(csrf)}`]);
    writeFileSync(join(desk, 'token'), `${String(secret)}\n`, { mode: 0o600 });
    expect(await shop('remote', 'add', 'shop', url!, '--fingerprint', fingerprint!, '--token-file', join(desk, 'token'))).toMatchObject({ code: 0 });
  });
  afterAll(async () => {
    await moat?.stop();
    await host?.close();
    rmSync(desk, { recursive: true, force: true });
  });

  it('isolates the host but for its own connection, until it is confirmed and released, or nobody confirms', async () => {
    expect(await reaches(80, visitor)).toBe(true);
    // One that stands is cut as well.
    const talk = host.beginOutside('/usr/bin/socat', ['-', `TCP:${hostAddress}:80,bind=${visitor}`]);
    const first = says(talk, 'one');
    talk.stdin!.write('one\n');
    await first;
    const { id } = await one('isolate', '--yes', '--why', 'a drill');
    let after = '';
    talk.stdout!.on('data', (piece: Buffer) => { after += piece.toString(); });
    talk.stdin!.write('two\n');
    expect(await Promise.all([reaches(80, visitor), reaches(8443, visitor), reaches(80, office)])).toEqual([false, false, false]);
    expect(after).toBe('');
    expect(await one('actions', 'show', String(id))).toMatchObject({ status: 'applied', by: expect.stringMatching(/^token:li\//) as string, until: expect.any(String) as string });
    expect((await one('isolate', '--confirm'))['until']).toBeUndefined();
    expect(await reaches(80, visitor)).toBe(false);
    expect(await one('release', '--why', 'over')).toMatchObject({ id, status: 'undone' });
    expect(await reaches(80, visitor)).toBe(true);

    const { id: second } = await one('isolate', '--yes', '--confirm-within', '2s');
    await until('that it is taken back by itself', async () => (await one('actions', 'show', String(second)))['status'] === 'undone');
    expect(await reaches(80, visitor)).toBe(true);
    expect(await done('release')).toEqual([]);
  });

  it('closes a port, and blocks who stands on a list', async () => {
    const closed = await one('close-port', '80/tcp', '--except', office, '--yes');
    expect(await Promise.all([reaches(80, visitor), reaches(80, office)])).toEqual([false, true]);
    expect(await undo(closed)).toMatchObject({ status: 'undone' });
    expect(await reaches(80, visitor)).toBe(true);
    const list = join(desk, 'list.txt');
    writeFileSync(list, `${visitor}\n203.0.113.200/30\n`);
    expect(await one('blocklist', 'import', list, '--name', 'friends', '--why', 'shared')).toMatchObject({ added: 2 });
    expect(await Promise.all([reaches(80, visitor), reaches(80, office)])).toEqual([false, true]);
    await done('blocklist', 'drop', 'friends', '--why', 'old');
    expect(await reaches(80, visitor)).toBe(true);
  });

  it('locks an account, ends its sessions, lends it a privilege and stops a unit', async () => {
    const shadow = (): string => readFileSync(inHost('/etc/shadow'), 'utf8').split('\n').find((line) => line.startsWith('mallory:'))!;
    const before = shadow();
    const locked = await one('lock', 'mallory', '--yes', '--why', 'stolen');
    expect(shadow()).toMatch(/^mallory:!.*:1:$/);
    expect(await undo(locked)).toMatchObject({ status: 'undone' });
    expect(shadow()).toBe(before);

    let session: TestSession | undefined;
    try {
      session = await startSession(mallory);
      expect(session.lives()).toEqual([true, true, true]);
      expect(await one('end-sessions', 'mallory', '--yes')).toMatchObject({ status: 'applied', reversible: false });
      expect(session.lives()).toEqual([false, false, false]);
    } finally { session?.end(); }

    const may = async (): Promise<boolean> => (await host.run('/usr/bin/sudo', ['-n', '-l', '-U', 'mallory', '/usr/bin/id'])).code === 0;
    expect(await may()).toBe(false);
    const lent = await one('grant', 'mallory', '--for', '1h', '--command', '/usr/bin/id', '--yes', '--why', 'a repair');
    expect(await may()).toBe(true);
    expect(await done('grants')).toMatchObject([{ user: 'mallory', id: lent['id'] }]);
    await undo(lent);
    expect(await may()).toBe(false);

    const state = async (): Promise<string> => (await host.run('systemctl', ['is-active', 'miner.service'])).stdout.trim();
    expect(await state()).toBe('active');
    const stopped = await one('stop-unit', 'miner.service', '--yes');
    expect(await state()).not.toBe('active');
    expect((await host.run('systemctl', ['start', 'miner.service'])).code).not.toBe(0);
    expect(await undo(stopped)).toMatchObject({ status: 'undone' });
    expect(await state()).toBe('active');
  });

  it('puts right what a scan there found', async () => {
    const shadow = inHost('/etc/shadow'), mode = (): number => statSync(shadow).mode & 0o777;
    await host.must('chmod', '644', '/etc/shadow');
    const { out } = await shop('--remote', 'shop', 'scan', '--only', 'account-files', '--json');
    const finding = out.trim().split('\n').map((line) => JSON.parse(line) as Row).find(({ path }) => path === '/etc/shadow')!;
    const fixed = await one('fix', String(finding['id']), '--yes');
    expect(mode() & 0o004).toBe(0);
    await undo(fixed);
    expect(mode()).toBe(0o644);
  });

  it('recovers what was lost from a backup, step by step, takes it back, and is signed', async () => {
    const { id } = await one('incident', 'list');
    const whole = new Map(documents.map((name) => [name, readFileSync(inHost(`/srv/shop/${name}`), 'utf8')]));
    const now = (): Map<string, string> => new Map(documents.filter((name) => existsSync(inHost(`/srv/shop/${name}`))).map((name) => [name, readFileSync(inHost(`/srv/shop/${name}`), 'utf8')]));
    await host.must('sh', '-c', 'cd /srv/shop && rm letters.txt && head -c 400 /dev/urandom > orders.csv');
    const broken = now();
    const recover = (...args: string[]): Promise<Ran> => shop('--remote', 'shop', 'incident', 'recover', String(id), ...args);
    const shown = await recover('--folder', '/srv/shop', '--dry-run');
    expect(shown, shown.err).toMatchObject({ code: 0, out: expect.stringContaining('2 files to restore') as string });
    expect(await recover('--folder', '/srv/shop')).toMatchObject({ code: 2, err: expect.stringContaining('no terminal to ask on') as string });
    expect(now()).toEqual(broken);
    const first = await recover('--folder', '/srv/shop', '--no-services', '--yes', '--why', 'lost');
    expect(now(), first.out + first.err).toEqual(whole);
    expect(await recover('--undo')).toMatchObject({ code: 0 });
    expect(now()).toEqual(broken);
    await recover('--folder', '/srv/shop', '--no-services', '--yes');
    expect(now()).toEqual(whole);
    const signed = await one('incident', 'recover', String(id), '--verify', '--no-services', '--accept', 'looked at by li');
    expect(signed).toMatchObject({ kind: 'recovered', incident: { recovery: { tally: { restored: 2 }, accepted: { by: expect.stringMatching(/^token:li\//) as string, why: 'looked at by li' } } } });
    const audited = (await done('audit', '--limit', '200')).map(({ operation, by }) => `${String(by).split('/')[0]!} ${String(operation)}`);
    for (const what of ['isolate-host', 'undo isolate-host', 'close-port', 'lock-account', 'end-sessions', 'stop-unit', 'restore-set', 'undo restore-set']) expect(audited).toContain(`token:li ${what}`);
    expect(await one('status')).toMatchObject({ response: { stuck: 0 } });
  });
});
