/** For the crash test of incidents: stores alerts one after the other and takes them in, from where an earlier run was killed. */
import type { Alert } from '../src/core/alert.ts';
import { Event } from '../src/core/gen/event.ts';
import { hour, minute, openIncidents, start, alertOf, sweep } from './incidents.ts';

export const alertsOfCrash = 300;

/** Guesses of many, log-ons of some, and what was done in their sessions; the same in each run. */
export function alertOfCrash(i: number): Alert {
  const who = (i * 7) % 23;
  const ip = `203.0.113.${who}`;
  const time = start + i * minute;
  const said = Object.assign(new Event(`c${i}`, time, i % 3 === 2 ? 'process_creation' : 'sshd'), { host: 'web1', service: 'sshd', ...(i % 3 === 2 ? { pid: 100 + (who % 9), process_started: start, ...(i % 2 === 0 && { origin_ip: ip }) } : { source_ip: ip }) });
  if (i % 3 === 2) return alertOf(`a${i}`, said, { attack: ['T1059.004'] });
  return alertOf(`a${i}`, said, who % 5 === 0 && i % 3 === 1 ? { attack: ['T1110.001', 'T1078'] } : { level: 'medium', attack: ['T1110.001'] });
}

const [, , dir] = process.argv;
if (dir !== undefined && import.meta.url.endsWith('.mjs')) {
  const bench = openIncidents({ now: () => start + 6 * hour }, dir);
  const { store, forming } = bench;
  sweep(bench);
  for (let at = Number(store.ledger.position('log') ?? 0); at < alertsOfCrash; at++) {
    const alert = alertOfCrash(at);
    store.commit({ events: [], alerts: [alert], positions: [{ source: 'log', value: String(at + 1) }] });
    forming.take([alert]);
    process.stdout.write(`${at + 1}\n`);
  }
}
