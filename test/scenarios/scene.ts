/** What every scenario has: a host, Moat upon it, ordinary work beside the attack, and the steps from the first packet to the closed incident. */
import { type ChildProcess, execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { CleanupVerdict } from '../../src/agent/cleanup.ts';
import type { Finding } from '../../src/core/finding.ts';
import type { CleanupPlan, Grade, IncidentStatus } from '../../src/core/incident.ts';
import type { Level } from '../../src/core/level.ts';
import { startWatch, type Watch } from '../live/kernel.ts';
import { moatBin, moatBundle } from '../live/moat.ts';
import { attacker, changed, type Change, depot, type Files, hostAddress, pool, type ScenarioHost, startScenarioHost, visitor } from '../scenario-host.ts';

interface ShownIncident { id: string; kind: string; status: IncidentStatus; level: Level; grade: Grade; title: { zh: string; en: string }; alerts: string[]; keys: string[]; alert_count: number; graded: { level: Level; grade: Grade; why: { en: string } }[]; reached: { addresses: string[]; accounts: string[]; services: string[]; root: boolean } }
interface ShownAlert { id: string; level: Level; rule_id: string; summary: string; count: number; pid?: number; path?: string }

export interface Scene {
  host: ScenarioHost;
  watch: Watch;
  /** Before the attack. */
  before: Files;
  run: (...args: string[]) => { status: number | null; out: string; err: string };
  json: <T>(...args: string[]) => T[];
  incidents(): ShownIncident[];
  alerts(): ShownAlert[];
  /** Looks until it is so; throws with what there was. */
  until<T>(what: string, look: () => T | undefined | false): Promise<T>;
  end(): Promise<void>;
}

export const admin = 'harbour';
export const adminWord = 'nine quiet boats 12';

/** `ready`: what the host serves, before Moat is started. */
export async function startScene({ ready, yaml = '', settings = {}, behaviours }: { ready?: (host: ScenarioHost) => Promise<void>; yaml?: string; settings?: Record<string, Record<string, unknown>>; behaviours?: readonly string[] } = {}): Promise<Scene> {
  // The bundle is built when it is older than its source, and it must not change under the host.
  execFileSync(process.execPath, [moatBin, '--version'], { stdio: 'ignore' });
  const host = await startScenarioHost();
  let watch: Watch;
  try {
    await ready?.(host);
    host.plant('/var/log/.rsyslog.conf', syslog);
    await host.service('rsyslog', '[Service]\nExecStart=/usr/sbin/rsyslogd -n -f /var/log/.rsyslog.conf -i NONE\n');
    await host.service('cron', '[Service]\nExecStart=/usr/sbin/cron -f\n');
    // What it is worth is said, not guessed: the machine beneath has listeners of its own.
    watch = await startWatch({ logs: true, settings, yaml: `incidents: { importance: part }\n${yaml}`, ...(behaviours && { behaviours }), run: { on: { enter: host.enter, data: host.data, node: process.execPath, moat: '/opt/moat/bin/moat' } } });
  } catch (error) { await host.close(); throw error; }
  const run: Scene['run'] = (...args) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [moatBundle, '--data', join(watch.folder, 'data'), '--lang', 'en', ...args], { encoding: 'utf8', maxBuffer: 64 << 20 });
    return { status, out: stdout, err: stderr };
  };
  const json = <T>(...args: string[]): T[] => {
    const { out, err, status } = run(...args, '--json');
    if (status === null || (out === '' && err !== '')) throw new Error(`moat ${args.join(' ')}: ${err}`);
    return out.trim().split('\n').filter(Boolean).map((line) => JSON.parse(line) as T);
  };
  /** The kernel sensor sees the machine beneath as well, with the attacker's programs and the test itself: these are in other control groups. What a log tells is in none. */
  const alerts = (): ShownAlert[] => {
    // First the list: of each alert in it the evidence is there by then.
    const list = json<ShownAlert>('alerts');
    const about = new Map(json<{ id: string; evidence: string }>('query', 'SELECT id, evidence FROM alerts', '--max-rows', '100000').map(({ id, evidence }) => [id, (JSON.parse(evidence) as { cgroup?: string; pid?: number; kind?: string }[])]));
    return list.filter(({ id }) => {
      const groups = (about.get(id) ?? []).flatMap(({ cgroup, kind }) => cgroup ?? (kind !== undefined && kernelKinds.has(kind) ? '' : []));
      return groups.length === 0 || groups.some((one) => one.includes(`/${host.group}/`));
    });
  };
  return {
    host, watch, before: host.files(), run, json, alerts,
    incidents() {
      const own = new Set(alerts().map(({ id }) => id));
      return json<ShownIncident>('incident', 'list').map(({ id }) => json<ShownIncident>('incident', 'show', id)[0]!).filter((one) => one.alerts.some((id) => own.has(id)));
    },
    async until(what, look) {
      let thrown: unknown;
      for (const end = Date.now() + 40_000; Date.now() < end; await sleep(100)) {
        try {
          const found = look();
          if (found) return found;
        } catch (error) { thrown = error; }
      }
      throw new Error(`expected ${what}${thrown instanceof Error ? `: ${thrown.message}` : ''}; alerts: ${JSON.stringify(watch.alerts.map(({ level, rule_id, summary }) => `${level} ${rule_id} ${summary.slice(0, 200)}`), undefined, 1)}; ${watch.said().split('Alerts appear below')[1] ?? ''}`);
    },
    async end() {
      await watch.end();
      await host.close();
    },
  };
}

const kernelKinds = new Set(['process_creation', 'file_event', 'network_connection', 'listener', 'process_access', 'privilege', 'namespace', 'module', 'flow', 'dns_query']);

const syslog = 'module(load="imuxsock" SysSock.RateLimit.Interval="0")\nauth,authpriv.* action(type="omfile" file="/var/log/auth.log" asyncWriting="off" flushOnTXEnd="on")\n*.*;auth,authpriv.none action(type="omfile" file="/var/log/syslog" asyncWriting="off" flushOnTXEnd="on")\n';

/** An sshd as Debian has it; root and the administrator log on with words. */
export async function serveSsh(host: ScenarioHost, rootWord: string): Promise<void> {
  host.plant('/etc/ssh/sshd_config.d/scenario.conf', 'PermitRootLogin yes\nPasswordAuthentication yes\nMaxStartups 100\nUseDNS no\n');
  await host.must('ssh-keygen', '-A');
  await host.must('useradd', '-m', '-s', '/bin/bash', admin);
  await host.must('sh', '-c', 'printf "%s\\n" "$1" "$2" | chpasswd', 'sh', `root:${rootWord}`, `${admin}:${adminWord}`);
  await host.service('ssh', '[Service]\nExecStart=/usr/sbin/sshd -D\nKillMode=process\n');
  for (let i = 0; i < 200 && (await host.outside('/usr/bin/curl', ['-s', '--max-time', '1', `telnet://${hostAddress}:22`])).code === 7; i++) await sleep(50);
}

const quiet = ['-F', '/dev/null', '-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-o', 'PreferredAuthentications=password', '-o', 'NumberOfPasswordPrompts=1', '-o', 'LogLevel=ERROR'];

/** One log-on from outside; `script` is what is typed. */
export async function ssh(host: ScenarioHost, from: string, user: string, word: string, script: string): Promise<{ code: number; out: string }> {
  const { code, stdout } = await host.outside('/usr/bin/sshpass', ['-p', word, 'ssh', ...quiet, '-b', from, `${user}@${hostAddress}`, script]);
  return { code, out: stdout };
}

/** A server of files of the attacker's. Resolves when it answers. */
export async function serveFiles(host: ScenarioHost, folder: string, address = depot): Promise<void> {
  mkdirSync(folder, { recursive: true });
  await says(host.beginOutside('/usr/bin/python3', ['-u', '-m', 'http.server', '--bind', address, '--directory', folder, '80']), 'Serving HTTP');
}

/** Somebody's server that takes what is put there by HTTP. */
export async function serveUploads(host: ScenarioHost, folder: string, address = depot): Promise<void> {
  const server = 'import http.server, os, sys\nclass Taker(http.server.BaseHTTPRequestHandler):\n    def do_PUT(self):\n        with open(os.path.join(sys.argv[2], os.path.basename(self.path)), "wb") as out:\n            out.write(self.rfile.read(int(self.headers["Content-Length"])))\n        self.send_response(201)\n        self.send_header("Content-Length", "0")\n        self.end_headers()\nserver = http.server.ThreadingHTTPServer((sys.argv[1], 80), Taker)\nprint("taking", flush=True)\nserver.serve_forever()\n';
  await says(host.beginOutside('/usr/bin/python3', ['-u', '-c', server, address, folder]), 'taking');
}

/** Not asked over the network: to be called by others as well would make the attacker's address everybody's. */
export async function says(child: ChildProcess, text: string): Promise<void> {
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => { said = `${said}${chunk.toString()}`.slice(-4000); });
  for (let i = 0; i < 400 && !said.includes(text); i++) {
    if (child.exitCode !== null) break;
    await sleep(25);
  }
  if (!said.includes(text)) throw new Error(`expected ${text}, got ${said}`);
}

/** A pool that answers whoever greets it and keeps the line open. */
export async function servePool(host: ScenarioHost, port = 3333): Promise<void> {
  await says(host.beginOutside('/usr/bin/socat', ['-d', '-d', `TCP-LISTEN:${port},bind=${pool},fork,reuseaddr`, 'SYSTEM:read line; echo \'{"id":1,"result":{"status":"OK","job":{"job_id":"1"}},"error":null}\'; cat > /dev/null']), 'listening on');
}

const wallet = '44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RVGQBEP3A';
export const greeting = `{"id":1,"jsonrpc":"2.0","method":"login","params":{"login":"${wallet}","pass":"x","agent":"logd/1.0","algo":["rx/0"]}}`;

/** Work of an ordinary server, over and over until its end. Harmless, and as programs do it that administrators know. */
export async function ordinaryLoad(host: ScenarioHost): Promise<{ end(): Promise<void> }> {
  host.plant('/usr/local/bin/nightly-report', '#!/bin/sh\nset -e\ncd /srv/report\ntar czf doc.tgz -C /usr/share doc/apt doc/bash 2>/dev/null || true\nfind /usr/share/doc/apt -type f | sort > list.txt\ngzip -kf list.txt\nsha256sum doc.tgz > doc.sum\npython3 -c "import json; json.dump({str(i): i for i in range(200)}, open(\'report.json\', \'w\'))"\nlogger -t report done\n', { mode: 0o755 });
  mkdirSync(join(host.root, 'srv/report'), { recursive: true });
  await host.service('report', '[Service]\nExecStart=/bin/sh -c "while :; do /usr/local/bin/nightly-report; sleep 1; done"\n');
  return { end: async () => { await host.systemctl('stop', 'report.service'); } };
}

interface Proof {
  /** Which actions on which targets the plan must have, and no others; `process` stands for process trees. */
  steps: readonly string[];
  entry: Partial<NonNullable<CleanupPlan['entry']>> & { text?: undefined };
  level: Level;
  grade: Grade;
  /** Paths that may stay: records that programs leave by themselves. */
  stays?: readonly RegExp[];
  /** Checks that look again. */
  checks: readonly string[];
  /** Command lines of what the attack left running; none may run after. */
  running: RegExp;
  /** What they destroyed: no clean-up brings it back, the recovery does. */
  lost?: RegExp;
  /** Between eradication and the end, in place of a person's word that all is recovered. */
  recover?: (id: string) => void;
  /** What else must be so once it is cleaned up. */
  after?: () => void;
}

const severe = new Set<Level>(['high', 'critical']);

/** `freeze-tree`, `kill-tree` without their numbers. */
const named = ({ steps }: CleanupPlan): string[] => steps.map(({ action, target }) => (action.endsWith('-tree') ? `${action} process` : `${action} ${target}`));

/** From the alarms to the closed incident. */
export async function prove(scene: Scene, proof: Proof): Promise<{ incident: ShownIncident; plan: CleanupPlan }> {
  const { host, run, json } = scene;
  let shown: unknown, detail: unknown;
  const wanted = [...new Set(proof.steps)].toSorted();
  const { incident, plan } = await scene.until(`one incident whose plan has ${wanted.join(', ')}`, () => {
    const all = scene.incidents();
    const [first] = all;
    if (first === undefined) return undefined;
    const [made] = json<CleanupPlan>('incident', 'plan', first.id);
    shown = { incidents: all.map(({ id, level, grade, title }) => ({ id, level, grade, title: title.en })), entry: made?.entry, steps: made && named(made), left: made?.left_alone.map(({ node, why }) => `${node}: ${why.en}`) };
    detail = all.map(({ id, title, keys, alerts }) => ({ id, title: title.en, keys, alerts: scene.alerts().filter((one) => alerts.includes(one.id)).map(({ level, rule_id, summary }) => `${level} ${rule_id} ${summary}`) }));
    const has = new Set(made && named(made));
    return made && all.length === 1 && wanted.every((one) => has.has(one)) ? { incident: first, plan: made } : undefined;
  }).catch((error: unknown) => { throw new Error(`${(error as Error).message}\n${JSON.stringify(shown, undefined, 1)}\n${changed(scene.before, host.files()).map(({ path, after }) => `${path} ${after}`).join('\n')}\n${JSON.stringify(detail, undefined, 1)}\n${[...host.processes()].map(([pid, line]) => `${pid} ${line}`).join('\n')}`); });
  expect([...new Set(named(plan))].toSorted(), JSON.stringify(shown, undefined, 1)).toEqual(wanted);
  expect(plan.entry).toMatchObject(proof.entry);
  expect({ level: incident.level, grade: incident.grade, why: incident.graded.at(-1)?.why.en }).toMatchObject({ level: proof.level, grade: proof.grade });
  expect(plan.left).toBe(0);

  const loud = scene.alerts().filter(({ level }) => severe.has(level));
  const own = new Set(incident.alerts);
  expect(loud.filter(({ id }) => !own.has(id)).map(({ level, rule_id, summary }) => `${level} ${rule_id}: ${summary}`)).toEqual([]);

  const planted = host.files();
  applied(scene, incident.id, proof);

  const undone = run('incident', 'undo', incident.id);
  expect({ status: undone.status, out: undone.out, err: undone.err }).toMatchObject({ status: 0 });
  expect(unrecorded(changed(planted, host.files()), proof)).toEqual([]);

  // What came back is ended for good.
  applied(scene, incident.id, proof);
  const says = (step: string): void => {
    const { status, out, err } = run('incident', step, incident.id, '--why', 'scenario');
    expect(status, `${step}: ${out}${err}`).toBe(0);
  };
  says('contain');
  says('eradicate');
  if (proof.recover) proof.recover(incident.id);
  else says('recovered');
  says('close');
  expect(scene.incidents().filter(({ status }) => status !== 'closed')).toEqual([]);
  return { incident, plan };
}

function applied({ host, json, before }: Scene, id: string, proof: Proof): void {
  // The machine beneath is nobody's to clean up.
  const within = host.processes();
  const [kept] = json<CleanupPlan>('incident', 'plan', id);
  expect(kept!.steps.filter(({ action, input }) => action.endsWith('-tree') && existsSync(`/proc/${Number(input['pid'])}`) && !within.has(Number(input['pid']))).map(({ title }) => title.en)).toEqual([]);
  expect(kept!.steps.flatMap(({ action, steps: parts }) => (action === 'end-sessions' ? parts.flatMap(({ command }) => (command?.[0] === 'kill' ? Number(command[2]) : [])) : [])).filter((pid) => existsSync(`/proc/${pid}`) && !within.has(pid))).toEqual([]);
  const done = json<{ id: string; action: string; target: string; done: boolean; said?: string }>('incident', 'apply', id, '--yes');
  expect(done.filter((step) => !step.done)).toEqual([]);
  const [verdict] = json<CleanupVerdict>('incident', 'verify', id);
  const { clean, steps, living, back, findings: found, blind } = verdict!;
  expect({ clean, steps: steps.filter(({ ok }) => !ok).map(({ title, state, verdict: why }) => `${title.en} ${state} ${why?.evidence.en ?? ''}`), living, back, found: found.map(({ title }) => title.en), blind: blind.map(({ en }) => en) }).toEqual({ clean: true, steps: [], living: [], back: [], found: [], blind: [] });
  expect(unrecorded(changed(before, host.files()), proof).filter(({ path, after }) => proof.lost?.test(path) !== true && !isEmptyFolder(host, path, after))).toEqual([]);
  proof.after?.();
  expect([...host.processes().values()].filter((line) => proof.running.test(line))).toEqual([]);
  const findings = scanned(host, proof.checks);
  expect(findings.filter(({ kind }) => kind === 'intrusion').map(({ level, check, path, title }) => `${level} ${check} ${path ?? ''} ${title.en}`)).toEqual([]);
}

/** Of what was in it nothing is left: it holds nothing and does nothing. */
const isEmptyFolder = (host: ScenarioHost, path: string, after: string): boolean => after.startsWith('folder ') && readdirSync(join(host.root, path), { recursive: true, withFileTypes: true }).every((one) => one.isDirectory());

const always = [/^\/srv\/report(?:\/|$)/, /^\/usr\/local\/bin\/nightly-report$/, /^\/root\/\.(?:bash_history|wget-hsts)$/];
const unrecorded = (changes: Change[], { stays = [] }: Proof): Change[] => changes.filter(({ path }) => ![...always, ...stays].some((one) => one.test(path)));

/** Moat's command line as typed on the host itself. */
export function inside({ host }: Pick<Scene, 'host'>, ...args: string[]): { status: number | null; out: string; err: string } {
  const [program, ...enter] = host.enter;
  const { status, stdout, stderr } = spawnSync(program!, [...enter, process.execPath, '/opt/moat/bin/moat', '--data', `${host.data.inside}/data`, '--lang', 'en', ...args], { encoding: 'utf8', maxBuffer: 64 << 20 });
  return { status, out: stdout, err: stderr };
}

/** What these checks find on the host now. */
function scanned(host: ScenarioHost, checks: readonly string[]): Finding[] {
  const { status, out, err } = inside({ host }, 'scan', '--only', checks.join(','), '--json');
  if (status !== 0 && status !== 1) throw new Error(`moat scan ended with ${status}: ${err}`);
  return out.trim().split('\n').filter(Boolean).map((line) => JSON.parse(line) as Finding).filter(({ id }) => id !== undefined);
}

export { attacker, depot, hostAddress, pool, visitor };
