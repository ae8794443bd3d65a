/** How far a story reaches on the machine and beside it: volumes, databases, neighbours, credentials, and what was planted to come back. */
import { isPublic } from '../../core/address.ts';
import type { Story, StoryReach } from '../../core/incident.ts';
import { databaseAt } from './story-steps.ts';

/** A mounted file system. */
export interface Mount { at: string; device: string; type: string }

const listMax = 50;

/** Pure. `mounts` in any order; none when they are not known. */
export function reachOf({ nodes, edges }: Pick<Story, 'nodes' | 'edges'>, mounts: readonly Mount[]): StoryReach {
  const sorted = mounts.toSorted((a, b) => b.at.length - a.at.length);
  const volumes = new Map<string, { at: string; device: string; type: string; files: number; bytes: number }>();
  const neighbours: string[] = [], outside: string[] = [], databases = new Set<string>(), secrets: string[] = [], planted: string[] = [], accounts: string[] = [], containers: string[] = [];
  // Connections that somebody made here; an address they came from is no neighbour reached.
  const called = new Set(edges.flatMap(({ deed, to }) => (deed === 'spoke' && to.startsWith('address:') ? [to] : [])));
  let processes = 0, living = 0, files = 0;
  for (const { id, kind, label, facts, lives } of nodes) {
    switch (kind) {
      case 'process':
        if (facts['chain'] === true || facts['weak'] === true) break;
        processes++;
        if (lives === true) living++;
        if (typeof facts['local_databases'] === 'string') for (const one of facts['local_databases'].split(' ')) databases.add(`${databaseAt(Number(one)) ?? one} (127.0.0.1:${one})`);
        break;
      case 'file': case 'persistence': {
        const path = facts['path'];
        if (facts['line'] === undefined) files++;
        if (kind === 'persistence' && (facts['line'] !== undefined ? facts['planted'] === true : facts['made'] === true || facts['seed'] === true || facts['wrote'] === true)) planted.push(label);
        if (typeof path !== 'string' || facts['line'] !== undefined || facts['container'] !== undefined) break;
        const mount = sorted.find(({ at }) => path === at || path.startsWith(at.endsWith('/') ? at : `${at}/`));
        if (mount === undefined) break;
        const volume = volumes.get(mount.at) ?? { ...mount, files: 0, bytes: 0 };
        volume.files++;
        volume.bytes += typeof facts['size'] === 'number' ? facts['size'] : 0;
        volumes.set(mount.at, volume);
        break;
      }
      case 'address': {
        if (!called.has(id)) break;
        const database = databaseAt(facts['port']);
        const place = `${label}${facts['port'] === undefined ? '' : `:${String(facts['port'])}`}`;
        if (isPublic(String(facts['ip']))) outside.push(place);
        else neighbours.push(place);
        if (database !== undefined) databases.add(`${database} (${place})`);
        break;
      }
      case 'secret': secrets.push(label); break;
      case 'account': accounts.push(label); break;
      case 'container': containers.push(label); break;
      default: break;
    }
  }
  const list = (words: Iterable<string>): string[] => [...new Set(words)].sort().slice(0, listMax);
  // The file whose lines are known is said by its lines.
  const lines = planted.filter((one) => /:\d+: /.test(one)).map((one) => one.slice(0, one.search(/:\d+: /)));
  return {
    processes, living, files, volumes: [...volumes.values()].sort((a, b) => b.files - a.files || (a.at < b.at ? -1 : 1)).slice(0, listMax), planted: list(planted.filter((one) => !lines.includes(one))),
    secrets: list(secrets), accounts: list(accounts), containers: list(containers), databases: list(databases), neighbours: list(neighbours), outside: list(outside),
  };
}
