import { afterEach, describe, expect, it } from 'vitest';
import { alertOf, closeIncidents, day, openIncidents, start } from '../../../test/incidents.ts';
import type { IncidentRecord } from '../../core/incident-store.ts';
import { Event } from '../../core/gen/event.ts';
import type { Detection } from '../../core/alert.ts';
import { changed, type Deed, mustBeAt } from './lifecycle.ts';
import { exceptionOf, Quiet } from './quiet.ts';
import { incidentOf, seedsOf } from './seeds.ts';

afterEach(closeIncidents);

const asking = { by: 'operator:li', why: 'it was us', now: start + day };
const curl = (fields: Partial<Event> = {}): Event => Object.assign(new Event('e1', start, 'process_creation'), { pid: 7, process_started: start, process_path: '/opt/backup/agent', process_cmdline: '/opt/backup/agent --all', user: 'backup', ...fields });

function one(): IncidentRecord {
  const { store, take } = openIncidents();
  take([alertOf('a', curl(), { attack: ['T1041'], rule: 'behaviour.x' })]);
  return store.incidents.incidents({})[0]!;
}
const after = (record: IncidentRecord, ...deeds: Deed[]): IncidentRecord => deeds.reduce((at, deed) => changed(at, deed, asking).record, record);

describe('an incident', () => {
  it('goes forward only, each change raising its revision, and is opened again when it was closed', () => {
    const record = one();
    const recovered = after(record, { op: 'status', to: 'triaged' }, { op: 'status', to: 'contained' }, { op: 'status', to: 'recovered' });
    expect(recovered).toMatchObject({ status: 'recovered', revision: record.revision + 3, since: asking.now });
    expect(() => after(recovered, { op: 'status', to: 'contained' })).toThrow('expected a step forward from recovered, got contained');
    expect(() => after(recovered, { op: 'status', to: 'recovered' })).toThrow('already');
    const closed = after(recovered, { op: 'status', to: 'closed' });
    expect(() => after(closed, { op: 'status', to: 'triaged' })).toThrow('reopen it first');
    expect(after(closed, { op: 'reopen' })).toMatchObject({ status: 'triaged' });
    expect(() => after(record, { op: 'reopen' })).toThrow('is open');
  });

  it('has an assignee, notes, tasks, tags and links, and is not closed while tasks are open', () => {
    const record = after(one(), { op: 'assign', to: 'wang' }, { op: 'note', text: 'key removed' }, { op: 'task', title: 'rotate keys', to: 'li' }, { op: 'tag', tag: 'miner' }, { op: 'tag', tag: 'miner' }, { op: 'link', target: 'https://tickets.example/7', title: undefined });
    expect(record).toMatchObject({ assignee: 'wang', notes: [{ by: 'operator:li', text: 'key removed' }], tasks: [{ id: 1, title: 'rotate keys', assignee: 'li' }], tags: ['miner'], links: [{ target: 'https://tickets.example/7' }] });
    expect(() => after(record, { op: 'status', to: 'closed' })).toThrow('1 of');
    expect(after(record, { op: 'task-done', task: 1, open: false }, { op: 'status', to: 'closed' }).status).toBe('closed');
    expect(() => after(record, { op: 'task-done', task: 9, open: false })).toThrow('expected one of tasks 1, got 9');
    const bare = after(record, { op: 'assign', to: undefined }, { op: 'untag', tag: 'miner' }, { op: 'unlink', target: 'https://tickets.example/7', title: undefined });
    expect(bare).toMatchObject({ tags: [], links: [] });
    expect(bare.assignee).toBeUndefined();
    expect(() => after(record, { op: 'note', text: '  ' })).toThrow('expected a note of 1 to 4000 characters, got 0');
  });

  it('whose statutory clock runs is closed only when somebody has answered for the report', () => {
    const record: IncidentRecord = { ...one(), clock: { started: start, due: start + 1000, why: { zh: '测', en: 'a test' }, told: [] } };
    expect(() => after(record, { op: 'status', to: 'closed' })).toThrow('statutory report');
    const told = changed(record, { op: 'clock', how: 'reported' }, asking);
    expect(told.result).toBe('statutory report: reported, late');
    expect(after(told.record, { op: 'status', to: 'closed' }).clock?.stopped).toMatchObject({ by: 'operator:li', how: 'reported' });
    expect(() => after(told.record, { op: 'clock', how: 'reported' })).toThrow('was stopped by operator:li');
    expect(() => changed(record, { op: 'clock', how: 'not-reportable' }, { ...asking, why: '' })).toThrow('expected why');
    expect(() => after(one(), { op: 'clock', how: 'reported' })).toThrow('no statutory clock');
  });

  it('is not changed by who saw an older one', () => {
    const record = one();
    expect(() => mustBeAt(record, record.revision)).not.toThrow();
    expect(() => mustBeAt(after(record, { op: 'note', text: 'x' }), record.revision)).toThrow(`you saw revision ${record.revision}, it is at ${record.revision + 1}; nothing was done`);
  });

  it('is found by the beginning of its id, and whole', () => {
    const { store, take } = openIncidents();
    take([alertOf('a', curl(), { attack: ['T1041'] })]);
    const [record] = store.incidents.incidents({});
    expect(incidentOf(store.incidents, record!.id.slice(0, 4)).id).toBe(record!.id);
    expect(seedsOf(store, record!.id)).toMatchObject({ alerts: [{ id: 'a' }], findings: [], left: 0 });
    for (const wrong of ['nowhere', '', "' OR 1", 7, undefined]) expect(() => incidentOf(store.incidents, wrong)).toThrow('expected the id of an incident');
    take(Array.from({ length: 40 }, (_, i) => alertOf(`b${i}`, curl({ pid: 100 + i }), { attack: ['T1041'] })));
    const twice = '0123456789abcdef'.split('').find((c) => store.incidents.idsLike(c, 3).length > 1);
    expect(() => incidentOf(store.incidents, twice)).toThrow('expected more of the id');
  });
});

describe('a false alarm', () => {
  const detection = (events: readonly Event[], rule = 'behaviour.x', key = 'k'): Detection => ({ ruleId: rule, title: { zh: '', en: '' }, level: 'high', attack: [], key, time: events[0]!.time, events, count: 1 });
  const marked = (event: Event, key = 'k'): Quiet => {
    const quiet = new Quiet();
    quiet.set([{ id: 'i1', alarm: { time: start, by: 'li', why: 'ours', until: start + 30 * day, left: 0, exceptions: [exceptionOf(alertOf('a', event, { attack: [], rule: 'behaviour.x', key }))] } }]);
    return quiet;
  };

  it('keeps the same quiet until its time is over, and nothing else', () => {
    const quiet = marked(curl());
    expect(quiet.why(detection([curl({ pid: 99, time: start + 29 * day })]))).toBe('false alarm i1');
    expect(quiet.why(detection([curl({ time: start + 31 * day })]))).toBeUndefined();
    expect(quiet.why(detection([curl({ process_path: '/tmp/agent' })]))).toBeUndefined();
    expect(quiet.why(detection([curl(), curl({ user: 'root' })]))).toBeUndefined();
    expect(quiet.why(detection([curl()], 'behaviour.y'))).toBeUndefined();
  });

  it('of a shell means its very command line, and one that is masked its key', () => {
    const shell = { process_path: '/usr/bin/bash', process_cmdline: 'bash /opt/nightly.sh' };
    expect(marked(curl(shell)).why(detection([curl(shell)]))).toBeDefined();
    expect(marked(curl(shell)).why(detection([curl({ ...shell, process_cmdline: 'bash /tmp/x' })]))).toBeUndefined();
    const secret = { ...shell, process_cmdline: 'bash -c login --password hunter2' };
    expect(marked(curl(secret), 'k').why(detection([curl(secret)], 'behaviour.x', 'k'))).toBeDefined();
    expect(marked(curl(secret), 'k').why(detection([curl(secret)], 'behaviour.x', 'other'))).toBeUndefined();
  });

  it('is not widened by stars that somebody put into a name', () => {
    const quiet = marked(curl({ process_path: '*' }));
    expect(quiet.why(detection([curl({ process_path: '/tmp/other' })], 'behaviour.x', 'another'))).toBeUndefined();
  });

  it('needs a reason, and ends when it is opened again', () => {
    const record = one();
    expect(() => changed(record, { op: 'false-alarm', forMs: day }, { ...asking, why: ' ' })).toThrow('expected why');
    const alarm = changed(record, { op: 'false-alarm', forMs: day }, asking, [alertOf('a', curl(), { attack: [], rule: 'behaviour.x' })]).record;
    expect(alarm).toMatchObject({ status: 'false-alarm', false_alarm: { until: asking.now + day, why: 'it was us', exceptions: [{ rule: 'behaviour.x', when: { process_path: '/opt/backup/agent', user: 'backup' } }] } });
    expect(after(alarm, { op: 'reopen' }).false_alarm).toBeUndefined();
  });
});
