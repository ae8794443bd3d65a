import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Receipt } from '../../core/action.ts';
import { machineSshd } from '../../linux/sshd.ts';
import { runner } from '../../linux/run.ts';
import { actionContract, crashContract, openResponse, type Response } from '../../../test/actions.ts';
import { lacks } from '../../../test/need.ts';
import { Net } from '../../../test/namespaces.ts';
import { freePort } from '../../../test/port.ts';
import { scene as sshdScene } from '../../../test/scenes/change-sshd.ts';
import { fakeKernel, ownSshd, scene, settingActions, settingWorld, type OwnSshd } from '../../../test/scenes/change-setting.ts';

const folders: string[] = [];
const folder = (): string => { const made = mkdtempSync(join(tmpdir(), 'moat-setting-')); folders.push(made); return made; };
afterAll(() => { for (const one of folders) rmSync(one, { recursive: true, force: true }); });

const root = lacks({ root: true });
const noSshd = lacks({ root: true, files: ['/usr/sbin/sshd', '/usr/bin/ssh-keygen', '/run/sshd'] });

let dir: string, response: Response;
const run = (input: object, force = false): Promise<Receipt> => response.runner.run({ action: 'change-setting', input, by: 'operator:test', why: '', via: 'test', force });
const undo = (id: string): Promise<Receipt> => response.runner.undo(id, { by: 'operator:test', via: 'test', why: '' });
const stepsOf = async (input: object): Promise<string> => (await response.runner.plan('change-setting', input)).plan.steps.map(({ text }) => text.en).join('\n');

describe.skipIf(root)('change-setting of the kernel', () => {
  describe('contract', () => actionContract(() => scene(folder())));
  describe('kill -9', () => crashContract({ module: join(import.meta.dirname, '../../../test/scenes/change-setting.ts'), argument: folder(), open: scene, cuts: 6 }));

  describe('with cases', () => {
    let here: string;
    beforeEach(() => {
      dir = folder();
      here = join(dir, 'root');
      fakeKernel(here, { 'net/ipv4/ip_forward': '1', 'kernel/modules_disabled': '0', 'net/ipv4/tcp_rmem': '4096\t131072\t6291456', 'net/ipv4/conf/eth0.100/rp_filter': '0' });
      response = openResponse(join(dir, 'store'), () => settingActions(settingWorld(dir, here)));
    });
    afterEach(() => response.close());
    const live = (path: string): string => readFileSync(join(here, 'proc/sys', path), 'utf8').trim();
    const set = (key: string, value: string, more: object = {}, force = false): Promise<Receipt> => run({ kind: 'sysctl', key, value, ...more }, force);

    it('takes both forms of a name, and values of several words', async () => {
      await set('net.ipv4.tcp_rmem', '4096   87380 6291456');
      await set('net/ipv4/conf/eth0.100/rp_filter', '1');
      expect([live('net/ipv4/tcp_rmem'), live('net/ipv4/conf/eth0.100/rp_filter'), readdirSync(join(here, 'etc/sysctl.d')).sort()]).toEqual(['4096 87380 6291456', '1', ['zz-moat-net.ipv4.tcp_rmem.conf', 'zz-moat-net_ipv4_conf_eth0.100_rp_filter.conf']]);
    });

    it('is taken back unless somebody confirms what could cut people off', async () => {
      const { until, id } = await set('net.ipv4.ip_forward', '0', { confirm_within: 60 });
      expect(until).toBeGreaterThan(0);
      await response.runner.confirm(id, { by: 'operator:test', via: 'test', why: '' });
      expect(response.store.response.receipts({ limit: 1 })[0]).toMatchObject({ status: 'applied' });
      expect(response.store.response.receipts({ limit: 1 })[0]?.until).toBeUndefined();
      expect(live('net/ipv4/ip_forward')).toBe('0');
    });

    it('goes back by itself when its time is over', async () => {
      await response.close();
      let now = Date.now();
      response = openResponse(join(dir, 'clock'), () => settingActions(settingWorld(dir, here)), () => now);
      await set('net.ipv4.ip_forward', '0', { confirm_within: 60 });
      now += 61_000;
      await response.runner.tick();
      expect([live('net/ipv4/ip_forward'), readdirSync(join(here, 'etc/sysctl.d'))]).toEqual(['1', []]);
    });

    it('asks for a special word where nothing takes it back, and says which file says otherwise', async () => {
      await expect(set('kernel.modules_disabled', '1')).rejects.toMatchObject({ code: 'refused', hint: '--force' });
      expect((await set('kernel.modules_disabled', '1', {}, true)).reversible).toBe(false);
      writeFileSync(join(here, 'etc/sysctl.conf'), '# x\nnet.ipv4.ip_forward=1\n');
      expect(await stepsOf({ kind: 'sysctl', key: 'net.ipv4.ip_forward', value: '0' })).toContain('/etc/sysctl.conf says net.ipv4.ip_forward=1');
    });

    it('refuses what is no switch, leads elsewhere, or is set already', async () => {
      await expect(set('kernel.none', '1')).rejects.toMatchObject({ code: 'not-there' });
      for (const key of ['../../etc/passwd', 'kernel..x', 'kernel', '/etc/x', 'a b.c', 7]) await expect(run({ kind: 'sysctl', key, value: '1' })).rejects.toMatchObject({ code: 'bad-input' });
      for (const value of ['a\nb', 7, undefined, 'x'.repeat(5000)]) await expect(run({ kind: 'sysctl', key: 'net.ipv4.ip_forward', value })).rejects.toMatchObject({ code: 'bad-input' });
      await set('net.ipv4.ip_forward', '0', { confirm_within: 0 });
      await expect(set('net.ipv4.ip_forward', '1')).rejects.toMatchObject({ code: 'refused', hint: 'moat actions' });
    });

    it('leaves what others set since', async () => {
      const { id } = await set('net.ipv4.ip_forward', '0', { confirm_within: 0 });
      writeFileSync(join(here, 'proc/sys/net/ipv4/ip_forward'), '2\n');
      await expect(undo(id)).rejects.toMatchObject({ message: expect.stringContaining('has become 2') as string });
      expect(live('net/ipv4/ip_forward')).toBe('2');
    });
  });

  it.skipIf(lacks({ files: ['/usr/sbin/ip', '/usr/sbin/nft'] }))('the real one, in a namespace of its own: what it does not take changes nothing', async () => {
    dir = folder();
    const net = new Net();
    try {
      fakeKernel(join(dir, 'root'), {});
      const at = (key: string): string => `/proc/sys/${key.replaceAll('.', '/')}`;
      const sh = async (text: string, ...args: string[]): Promise<string> => {
        const { code, stdout, stderr } = await net.run('sh', ['-c', text, 'sh', ...args]);
        if (code !== 0) throw new Error(stderr);
        return stdout.trim().split(/\s+/).join(' ');
      };
      // The action asks at once: what it set is known from the last look into the namespace.
      const inside = (...args: string[]): string => execFileSync('ip', ['netns', 'exec', net.host, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim().split(/\s+/).join(' ');
      const sysctl = { read: (key: string) => inside('cat', at(key)), write: (key: string, value: string) => { inside('sh', '-c', 'printf "%s\\n" "$2" > "$1"', 'sh', at(key), value); } };
      response = openResponse(join(dir, 'store'), () => settingActions({ ...settingWorld(dir, join(dir, 'root')), sysctl }));
      const before = await sh('cat "$1"', at('net.ipv4.ip_local_port_range'));
      await expect(run({ kind: 'sysctl', key: 'net.ipv4.ip_local_port_range', value: '60000 50000' })).rejects.toMatchObject({ code: 'failed', message: expect.stringContaining('does not take') as string });
      expect([await sh('cat "$1"', at('net.ipv4.ip_local_port_range')), readdirSync(join(dir, 'root/etc/sysctl.d'))]).toEqual([before, []]);
      const { id } = await run({ kind: 'sysctl', key: 'net.ipv4.ip_local_port_range', value: '50000 60000' });
      expect(await sh('cat "$1"', at('net.ipv4.ip_local_port_range'))).toBe('50000 60000');
      await undo(id);
      expect(await sh('cat "$1"', at('net.ipv4.ip_local_port_range'))).toBe(before);
    } finally {
      await response.close();
      await net.close();
    }
  });
});

describe.skipIf(noSshd)('change-setting of sshd', () => {
  const daemons: OwnSshd[] = [];
  const start = async (at: string, ...more: string[]): Promise<OwnSshd> => { const one = await ownSshd(at, await freePort(), more); daemons.push(one); return one; };
  afterAll(() => { for (const one of daemons) one.end(); });
  const sshd = machineSshd(runner());

  describe('contract', () => actionContract(async () => { const at = folder(); return await sshdScene(`${at} ${(await start(at)).port}`); }));

  describe('kill -9', () => {
    const at = folder();
    let port: number;
    beforeAll(async () => { ({ port } = await start(at)); });
    crashContract({ module: join(import.meta.dirname, '../../../test/scenes/change-sshd.ts'), get argument() { return `${at} ${port}`; }, open: sshdScene, cuts: 10 });
  });

  describe('with a daemon', () => {
    let one: OwnSshd;
    beforeEach(async () => {
      dir = folder();
      one = await start(dir, 'Match User nobody', '  X11Forwarding yes');
      response = openResponse(join(dir, 'store'), () => settingActions({ ...settingWorld(dir), settleMs: 3000 }));
    });
    afterEach(async () => { await response.close(); one.end(); });
    const set = (key: string, value: string, more: object = {}): Promise<Receipt> => run({ kind: 'sshd', config: one.config, key, value, ...more });
    const text = (): string => readFileSync(one.config, 'latin1');
    const answers = (port = one.port): Promise<boolean> => sshd.answers('127.0.0.1', port, 2000);

    it('applies a good value: the daemon begins anew and answers; taken back, all is as it was to the byte', async () => {
      const before = text(), pid = one.pid(), other = await freePort();
      const { id } = await set('Port', String(other));
      expect([text(), one.pid(), await answers(other), await answers()]).toEqual([before.replace(`Port ${one.port}`, `Port ${other}`), pid, true, false]);
      await undo(id);
      expect([text(), await answers(other), await answers()]).toEqual([before, false, true]);
    });

    it('refuses what sshd does not take, and touches nothing', async () => {
      const before = text();
      for (const [key, value] of [['MaxAuthTries', 'many'], ['NoSuchThing', 'yes'], ['Port', '99999']]) await expect(set(key!, value!)).rejects.toMatchObject({ code: 'refused', message: expect.stringContaining('sshd does not take') as string });
      expect([text(), await answers()]).toEqual([before, true]);
    });

    it('takes back what sshd takes but cannot be reached under, also when the daemon ended over it', async () => {
      const before = text();
      // An address of nobody: the test of the syntax has nothing against it.
      await expect(set('ListenAddress', '192.0.2.77')).rejects.toMatchObject({ code: 'failed' });
      expect(text()).toBe(before);
      expect(response.store.response.receipts({ limit: 1 })[0]).toMatchObject({ status: 'failed' });
      expect(await answers()).toBe(true);
    });

    it('waits for a person where people could be kept out, and goes back by itself', async () => {
      await response.close();
      let now = Date.now();
      response = openResponse(join(dir, 'clock'), () => settingActions(settingWorld(dir)), () => now);
      const before = text();
      const { until } = await set('MaxSessions', '3', { confirm_within: 60 });
      expect(until).toBe(now + 60_000);
      expect((await set('X11Forwarding', 'no')).until).toBeUndefined();
      now += 61_000;
      await response.runner.tick();
      expect(text()).toBe(before.replace('\nX11Forwarding yes', '\nX11Forwarding no'));
    });

    it('two settings are taken back in any order', async () => {
      const before = text();
      const first = await set('X11Forwarding', 'no');
      const second = await set('PrintMotd', 'no');
      await undo(first.id);
      expect(text()).toBe(before.replace('Match User', 'PrintMotd no\nMatch User'));
      await undo(second.id);
      expect(text()).toBe(before);
    });
  });

  describe('in a root', () => {
    let here: string;
    const plant = (path: string, content: string): void => {
      mkdirSync(dirname(join(here, path)), { recursive: true });
      writeFileSync(join(here, path), content);
    };
    const read = (path: string): string => readFileSync(join(here, path), 'utf8');
    const main = 'etc/ssh/sshd_config';
    beforeEach(() => {
      dir = folder();
      here = join(dir, 'root');
      mkdirSync(join(here, 'etc/ssh'), { recursive: true });
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(here, 'etc/ssh/key')]);
      plant('etc/passwd', 'root:x:0:0::/root:/bin/bash\nops:x:1000:1000::/home/ops:/bin/bash\nweb:x:1001:1001::/home/web:/bin/bash\n');
      plant('etc/shadow', 'root:$6$a$b:20000::::::\nops:!:20000::::::\nweb:$6$a$b:20000::::::\n');
      plant('etc/group', 'sudo:x:27:ops\n');
      response = openResponse(join(dir, 'store'), () => settingActions(settingWorld(dir, here)));
    });
    afterEach(() => response.close());
    const configure = (...lines: string[]): void => { plant(main, [`HostKey ${here}/etc/ssh/key`, `PidFile ${dir}/none.pid`, 'ListenAddress 127.0.0.1:1', 'UsePAM no', ...lines, ''].join('\n')); };
    const set = (key: string, value: string, more: object = {}, force = false): Promise<Receipt> => run({ kind: 'sshd', key, value, ...more }, force);

    it('changes the line that counts: the first, in a drop-in, or a new one above the first Match', async () => {
      plant('etc/ssh/sshd_config.d/10-a.conf', '# a\n  X11Forwarding   yes\n');
      plant('etc/ssh/sshd_config.d/20-b.conf', 'X11Forwarding no\n');
      configure('Include sshd_config.d/*.conf', 'X11Forwarding no', 'Match User web', 'Banner /etc/issue', 'GatewayPorts yes');
      await set('x11forwarding', 'no');
      expect([read('etc/ssh/sshd_config.d/10-a.conf'), read(main).includes('X11Forwarding no\nMatch')]).toEqual(['# a\n  X11Forwarding   no\n', true]);
      await expect(set('X11Forwarding', 'no')).rejects.toMatchObject({ code: 'not-there' });
      expect(await stepsOf({ kind: 'sshd', key: 'GatewayPorts', value: 'no' })).toContain('for Match User web it stays GatewayPorts yes');
      await set('GatewayPorts', 'no');
      expect(read(main)).toContain('GatewayPorts no\nMatch User web\nBanner');
      await set('GatewayPorts', 'clientspecified', { match: 'User web' });
      expect(read(main)).toContain('Banner /etc/issue\nGatewayPorts clientspecified\n');
      await expect(set('Banner', 'none', { match: 'User other' })).rejects.toMatchObject({ code: 'not-there' });
    });

    it('keeps a way in for an administrator', async () => {
      configure('PasswordAuthentication yes', 'PermitRootLogin yes', 'KbdInteractiveAuthentication no');
      // root has a password, ops neither a password nor a key: root by password is the only way in.
      for (const [key, value] of [['PasswordAuthentication', 'no'], ['PermitRootLogin', 'no'], ['PermitRootLogin', 'prohibit-password'], ['AllowUsers', 'web'], ['DenyUsers', 'r??t'], ['AuthenticationMethods', 'publickey,password']]) await expect(set(key!, value!)).rejects.toMatchObject({ code: 'refused', hint: '--force' });
      plant('home/ops/.ssh/authorized_keys', 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIInventedInventedInventedInventedInvente ops@example\n');
      const { id } = await set('PermitRootLogin', 'no');
      await expect(set('PubkeyAuthentication', 'no')).rejects.toMatchObject({ code: 'refused' });
      await expect(set('AuthorizedKeysFile', '/etc/ssh/keys/%u')).rejects.toMatchObject({ code: 'refused' });
      await expect(set('DenyGroups', 'sudo')).rejects.toMatchObject({ code: 'refused' });
      await set('PasswordAuthentication', 'no');
      await undo(id);
      expect(read(main)).toContain('PasswordAuthentication no\nPermitRootLogin yes\n');
      // With a special word.
      expect((await set('PubkeyAuthentication', 'no', {}, true)).status).toBe('applied');
    });

    it('refuses several lines that all count, structure, several lines in one, and a file that is not there', async () => {
      await expect(set('X11Forwarding', 'no')).rejects.toMatchObject({ code: 'not-there' });
      configure('Port 22', 'Port 2222');
      await expect(set('Port', '2200')).rejects.toMatchObject({ code: 'refused' });
      for (const key of ['Include', 'Match', 'PidFile', 'a b', 'X\nY', 7, undefined]) await expect(run({ kind: 'sshd', key, value: 'x' })).rejects.toMatchObject({ code: 'bad-input' });
      for (const value of ['no\nPermitRootLogin yes', '', ' ', 'x'.repeat(2000), 7]) await expect(run({ kind: 'sshd', key: 'Banner', value })).rejects.toMatchObject({ code: 'bad-input' });
      for (const kind of ['nginx', undefined, 7]) await expect(run({ kind, key: 'x', value: 'x' })).rejects.toMatchObject({ code: 'bad-input' });
      expect(existsSync(join(dir, 'data/scratch')) ? readdirSync(join(dir, 'data/scratch')) : []).toEqual([]);
    });
  });
});
