import { describe, expect, it } from 'vitest';
import { attacker, emptyDisk, logOn, worldOf, write, alertOf } from '../../../test/story-scenes.ts';
import { Machine, t0 } from '../../../test/told-machine.ts';
import { Event, type Kind } from '../../core/gen/event.ts';
import { lossesOf, tasksOf } from './recovery.ts';
import { tellStory } from './story.ts';
import { thingsOf, type Watch, Watches } from './watch.ts';

const event = (kind: Kind, fields: Partial<Event>, time = t0 + 1000): Event => Object.assign(new Event('e', time, kind), fields);
const watch = (incident: string, more: Partial<Watch> = {}): Watch => ({
  incident, since: t0, until: t0 + 72 * 3_600_000, back: [],
  things: [{ kind: 'address', value: attacker }, { kind: 'file', value: '/tmp/.x/m' }, { kind: 'port', value: '4444/tcp' }, { kind: 'account', value: 'eve' }, { kind: 'digest', value: 'd'.repeat(64), size: 77 }], ...more,
});

describe('heightened watch', () => {
  it('tells each thing once, within its time, for every incident that knows it', () => {
    const watches = new Watches(() => undefined);
    expect(watches.observe([event('sshd', { source_ip: attacker })])).toEqual([]);
    watches.add(watch('a'));
    watches.add(watch('b', { since: t0 + 5000 }));
    const told = (...events: Event[]): string[] => watches.observe(events).map(({ incident, thing }) => `${incident} ${thing.kind}`);
    expect(told(event('sshd', { source_ip: attacker }), event('network_connection', { destination_ip: attacker }))).toEqual(['a address']);
    expect(told(event('access', { source_ip: attacker }, t0 + 6000))).toEqual(['b address']);
    expect(told(event('file_event', { file_path: '/tmp/.x/m', action: 'read' }), event('file_event', { file_path: '/tmp/.x/m', action: 'delete' }))).toEqual([]);
    expect(told(event('process_creation', { process_path: '/tmp/.x/m' }))).toEqual(['a file']);
    expect(told(event('listener', { destination_port: 4444, protocol: 'udp' }), event('listener', { destination_port: 4444, protocol: 'tcp' }))).toEqual(['a port']);
    expect(told(event('sshd', { user: 'eve', action: 'login', outcome: 'failure' }), event('sshd', { user: 'eve', action: 'login', outcome: 'success' }))).toEqual(['a account']);
    expect([watches.takePaths(), watches.maybe(77), watches.maybe(78), watches.digest('d'.repeat(64), '/x', t0 + 10).length, watches.digest('e'.repeat(64), '/x', t0 + 10).length]).toEqual([['/tmp/.x/m'], true, false, 1, 0]);
    expect([watches.over(t0 + 71 * 3_600_000).length, watches.over(t0 + 72 * 3_600_000).length, watches.size]).toEqual([0, 2, 0]);
    expect(told(event('sshd', { source_ip: attacker }))).toEqual([]);
  });

  it('is bounded: twenty incidents, a hundred returns each, two thousand paths at a time', () => {
    const counted: string[] = [];
    const watches = new Watches((what) => counted.push(what));
    for (let i = 0; i < 25; i++) watches.add(watch(`i${i}`, { until: t0 + (i + 1) * 3_600_000 }));
    expect([watches.size, watches.all()[0]?.incident]).toEqual([20, 'i5']);
    watches.observe(Array.from({ length: 3000 }, (_, i) => event('file_event', { file_path: `/srv/${i}`, action: 'create' })));
    expect([watches.takePaths().length, new Set(counted)]).toEqual([2000, new Set(['watches ended early, too many', 'files not looked into, too many at a time'])]);
    const many = new Watches(() => undefined);
    many.add(watch('m', { things: Array.from({ length: 300 }, (_, i) => ({ kind: 'file' as const, value: `/f/${i}` })) }));
    expect(many.observe(Array.from({ length: 300 }, (_, i) => event('file_event', { file_path: `/f/${i}`, action: 'create' }))).length).toBe(100);
  });
});

describe('losses', () => {
  const machine = new Machine();
  const disk = emptyDisk();
  const { shell } = logOn(machine, 'deploy', attacker);
  const locker = machine.run(shell, '/tmp/.x/locker');
  for (let i = 0; i < 30; i++) {
    disk.files.set(`/srv/data/${i % 3}/f${i}`, { text: 'x', born: 1000 });
    write(machine, disk, locker, `/srv/data/${i % 3}/f${i}`, 'y', { isNew: false });
  }
  write(machine, disk, locker, '/srv/data/README.locked', 'pay');
  const told = write(machine, disk, locker, '/tmp/.x/tool', 'tool');
  machine.tell('file_event', locker, { action: 'read', file_path: '/home/deploy/.ssh/id_ed25519' });
  machine.tell('file_event', locker, { action: 'read', file_path: '/var/www/shop/wp-config.php' });
  const story = tellStory({ alerts: [alertOf(told)], findings: [] }, worldOf(machine, disk));

  it('are what its processes wrote over, and the folder they went through', () => {
    const losses = lossesOf(story);
    expect([losses.folders, losses.files.filter(({ made }) => !made).length, losses.files.filter(({ made }) => made).map(({ path }) => path)]).toEqual([['/srv/data'], 30, ['/srv/data/README.locked', '/tmp/.x/tool']]);
    // A path that many machines share is not looked through whole.
    const rest = { ...story, nodes: story.nodes.map((node) => (typeof node.facts['path'] === 'string' ? { ...node, facts: { ...node.facts, path: node.facts['path'].replace('/srv/data/', '/etc/') } } : node)) };
    expect(lossesOf(rest).folders.filter((folder) => folder === '/etc')).toEqual([]);
  });

  it('are also files of packages that a check found changed', () => {
    const found: typeof story = { ...story, nodes: [...story.nodes, { id: 'finding:f', kind: 'finding', label: 'f', first: t0, last: t0, facts: {} }, { id: 'file:/usr/sbin/sshd', kind: 'file', label: '/usr/sbin/sshd', first: t0, last: t0, facts: { path: '/usr/sbin/sshd', package: 'openssh-server' } }], edges: [...story.edges, { from: 'finding:f', to: 'file:/usr/sbin/sshd', deed: 'tells', first: t0, last: t0, count: 1 }] };
    expect(lossesOf(found).files.find(({ path }) => path === '/usr/sbin/sshd')).toMatchObject({ package: 'openssh-server', made: false });
  });

  it('ask of a person what no program can do', () => {
    expect(tasksOf(story).map(({ key }) => key)).toEqual(expect.arrayContaining(['password:deploy', 'entry:login', 'key:/home/deploy/.ssh/id_ed25519', 'database:/var/www/shop/wp-config.php']));
  });

  it('what is watched is the intruder’s, not their victim’s', () => {
    const { things } = thingsOf(story, { digests: [], ports: ['4444/tcp'], restored: new Set(), isShared: (address) => address === '198.51.100.1' });
    const shown = things.map(({ kind, value }) => `${kind} ${value}`);
    expect(shown).toEqual(expect.arrayContaining([`address ${attacker}`, 'file /tmp/.x/tool', 'file /srv/data/README.locked', 'account deploy', 'port 4444/tcp']));
    expect(shown.filter((one) => one.includes('/srv/data/0'))).toEqual([]);
    expect(thingsOf(story, { digests: [], ports: [], restored: new Set(['/tmp/.x/tool']), isShared: () => true }).things.map(({ kind, value }) => `${kind} ${value}`)).toEqual(['account deploy', 'file /srv/data/README.locked']);
  });
});
