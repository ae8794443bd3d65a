/** What an alert tells beyond its head, of the events that it keeps: the process by its identity, its peer, its program, the port that was come in by. */
import type { Alert, AlertEvidence } from '../../core/alert.ts';

/** Each undefined when no event of the alert says it. */
export interface Facts {
  /** When its process began, Unix ms; the number of the process alone may be another's by now. */
  started: number | undefined;
  /** Executable of its process. */
  program: string | undefined;
  /** The file that the events are about; never the program of a process. */
  file: string | undefined;
  /** The far end of the last connection that was made from here. */
  peer_ip: string | undefined;
  /** The port of this machine that is listened on or was come in by: `443/tcp`. */
  port: string | undefined;
}

const portMax = 65_535;
/** Whoever is asked for a name is not who is spoken to. */
const namePorts: ReadonlySet<unknown> = new Set([53, 853]);

export function factsOf({ pid, evidence }: Pick<Alert, 'pid' | 'evidence'>): Facts {
  const own = pid === undefined ? [] : evidence.filter((one) => one.pid === pid);
  return {
    started: numberOf(own.findLast((one) => one.process_started !== undefined)?.process_started),
    program: pathOf(own.findLast((one) => one.process_path !== undefined)?.process_path),
    file: pathOf(evidence.findLast((one) => one.file_path !== undefined)?.file_path),
    peer_ip: textOf(evidence.findLast((one) => one.direction === 'outbound' && one.destination_ip !== undefined && !namePorts.has(one.destination_port))?.destination_ip),
    port: portOf(evidence.findLast((one) => (one.direction === 'listening' || one.direction === 'inbound') && one.destination_port !== undefined)),
  };
}

const numberOf = (value: unknown): number | undefined => (typeof value === 'number' && Number.isFinite(value) ? value : undefined);
const textOf = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);
/** Whole ones only: what was cut short names another file. */
const pathOf = (value: unknown): string | undefined => (typeof value === 'string' && value.startsWith('/') && !value.endsWith('…') ? value : undefined);

function portOf(event: AlertEvidence | undefined): string | undefined {
  const port = event?.destination_port, protocol = event?.protocol ?? 'tcp';
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 1 || port > portMax) return undefined;
  return protocol === 'tcp' || protocol === 'udp' ? `${port}/${protocol}` : undefined;
}
