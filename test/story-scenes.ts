/** Intrusions and ordinary work as a kernel sensor would tell them, and the world that stories of them are told from. Nothing of it touches the machine. */
import type { Alert } from '../src/core/alert.ts';
import type { Event } from '../src/core/gen/event.ts';
import type { Story, StoryNode } from '../src/core/incident.ts';
import type { PackageFile, ProcessNode } from '../src/core/lineage.ts';
import type { FileLook, StoryWorld } from '../src/engine/incident/story-world.ts';
import { clock, event, type Machine } from './told-machine.ts';

export const attacker = '203.0.113.9', pool = '198.51.100.7';

export interface Disk { files: Map<string, { text: string; born: number; folder?: boolean }>; owners: Map<string, PackageFile>; requests: Event[]; /** Of containers, by folders there: the folders here. */ mounts?: Readonly<Record<string, Readonly<Record<string, string>>>> }

export const emptyDisk = (): Disk => ({ files: new Map(), owners: new Map(), requests: [] });

export function worldOf(machine: Machine, disk: Disk): StoryWorld & { looked: number } {
  const world = {
    looked: 0, lineage: machine.graph, processes: () => machine.graph.memory.all(), owner: (path: string) => disk.owners.get(path),
    look(path: string): FileLook | undefined {
      world.looked++;
      const file = disk.files.get(path);
      return file && { kind: file.folder ? 'folder' : 'file', inode: 1, device: 1, size: file.text.length, uid: 0, born: file.born, changed: file.born };
    },
    text: (path: string) => disk.files.get(path)?.text,
    onHost: (node: ProcessNode, path: string) => { const at = Object.entries(disk.mounts?.[node.container ?? ''] ?? {}).toSorted(([a], [b]) => b.length - a.length).find(([inside]) => path.startsWith(inside)); return at && `${at[1]}${path.slice(at[0].length)}`; },
    files: (folder: string, most: number) => { const found = [...disk.files.keys()].filter((path) => path.startsWith(`${folder}/`)).sort(); return found.length > most || found.length === 0 ? undefined : found; },
    apart: new Set<ProcessNode>(),
    cronTables: (user: string | undefined) => [`/var/spool/cron/crontabs/${user ?? 'root'}`, '/etc/crontab'],
    requests: (from: number, to: number) => disk.requests.filter(({ time }) => time >= from && time <= to),
    since: undefined, get now() { return clock.now; },
  };
  return world;
}

/** A process of the machine writes a file: told by the sensor, and on the disk. */
export function write(machine: Machine, disk: Disk, pid: number, path: string, text: string, { isNew = true, from }: { isNew?: boolean; from?: string } = {}): Event {
  const told = machine.tell('file_event', pid, { action: from === undefined ? isNew ? 'create' : 'write' : 'rename', file_path: path, ...(from !== undefined && { file_from: from }) });
  if (from !== undefined) disk.files.delete(from);
  disk.files.set(path, { text, born: isNew || from !== undefined ? told.time : 1000 });
  return told;
}

export function connect(machine: Machine, pid: number, ip: string, port: number, host?: string): Event {
  return machine.tell('network_connection', pid, { action: 'connect', direction: 'outbound', destination_ip: ip, destination_port: port, ...(host !== undefined && { destination_host: host }) });
}

/** sshd takes a connection and a shell begins. */
export function logOn(machine: Machine, user: string, ip: string): { shell: number; monitor: number } {
  if (!machine.started.has(800)) machine.seen(800, 1, '/usr/sbin/sshd', 'sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups', { cgroup: '/system.slice/ssh.service' });
  machine.tell('network_connection', 800, { action: 'accept', direction: 'inbound', source_ip: ip, source_port: 50_122, destination_ip: '192.0.2.5', destination_port: 22 });
  const monitor = machine.run(800, '/usr/sbin/sshd', '/usr/sbin/sshd -D -R');
  const child = machine.fork(monitor);
  const shell = machine.run(child, '/bin/bash', '-bash', { user, uid: user === 'root' ? 0 : 1000 });
  machine.graph.observe(event('sshd', { action: 'login', outcome: 'success', service: 'sshd', process_name: 'sshd', pid: monitor, session: String(monitor), user, source_ip: ip, source_port: 50_122 }));
  return { shell, monitor };
}

/** An alert of a rule that this event fired. */
export function alertOf(told: Event, more: Partial<Alert> = {}): Alert {
  const title = { zh: '测试告警', en: 'an alarm of a test' };
  const evidence = Object.fromEntries(Object.entries(told).filter(([, value]) => typeof value === 'string' || typeof value === 'number'));
  return { id: `a-${told.id}`, time: told.time, last_time: told.time, level: 'high', rule_id: 'test', rule_name: title.en, title, host: 'web1', summary: title.en, count: 1, attack: ['T1059'], matrix: [], key: 'k', status: 'open', evidence: [evidence], ...(told.source_ip !== undefined && { source_ip: told.source_ip }), ...more };
}

export const labels = (story: Story, kind: StoryNode['kind'], only: (node: StoryNode) => boolean = () => true): string[] => story.nodes.filter((node) => node.kind === kind && only(node)).map(({ label }) => label).sort();
/** What something may be done to. */
export const members = (story: Story): string[] => labels(story, 'process', ({ facts }) => facts['chain'] !== true && facts['weak'] !== true);
