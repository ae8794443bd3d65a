/**
 * Which web request made a server start a program. A server waits for the program it runs, so the access log has
 * the request when the program has ended. Told only when the requests logged in that moment are of one client, or
 * those of one client alone asked for a page in the folder that the program runs in (PHP goes to the folder of its
 * page): a guess would put the blame on a visitor.
 */
import { own } from '../../core/own.ts';
import type { Event } from '../../core/gen/event.ts';
import type { Node } from './node.ts';
import { folderOfPage, pageOfUrl } from './pages.ts';

/** `folder`: of the page that it asked for, as the URL names it. */
export interface Request { time: number; ip: string; folder: string | undefined }
interface Run { node: Node; at: number }

const requestsMax = 512;
const runsMax = 64;
/** The end of a polled process is noticed late; logs write whole seconds. */
const beforeMs = 1500;
const afterMs = 2000;
/** A program that runs so long is not waited for by anyone. */
const patienceMs = 10 * 60_000;

const fixed = /\.(?:css|js|mjs|map|png|jpe?g|gif|svg|webp|ico|woff2?|ttf|eot|mp4|webm|txt|xml)$/i;

export class Requests {
  private readonly ring: Request[] = [];
  private next = 0;
  private runs: Run[] = [];

  /** A line of an access log. Files that a server hands out as they are start nothing. */
  request(event: Event): void {
    if (event.source_ip === undefined || (event.url_path !== undefined && fixed.test(event.url_path))) return;
    const page = event.url_path === undefined ? undefined : pageOfUrl(event.url_path);
    const folder = page === undefined ? undefined : folderOfPage(page);
    const kept = folder === undefined ? undefined : own(folder);
    const request = this.ring[this.next];
    if (request) {
      request.time = event.time;
      request.ip = own(event.source_ip);
      request.folder = kept;
    } else this.ring.push({ time: event.time, ip: own(event.source_ip), folder: kept });
    this.next = (this.next + 1) % requestsMax;
  }

  /** A web server started a program. */
  started(node: Node, at: number): void {
    if (this.runs.length >= runsMax) this.runs.shift();
    this.runs.push({ node, at });
  }

  /** Judges the runs whose request must be in the log by now. */
  tick(now: number, found: (node: Node, ip: string) => void): void {
    if (this.runs.length === 0) return;
    this.runs = this.runs.filter(({ node, at }) => {
      const { ended } = node;
      if (ended === undefined) return now - at < patienceMs && !node.isGone;
      // Logs are read with a delay of their own.
      if (now < ended + afterMs * 2) return true;
      const ip = this.clientAt(ended, node.cwd);
      if (ip !== undefined && !node.isGone) found(node, ip);
      return false;
    });
  }

  /** The only client whose requests were logged about then; of several, the only one that asked for a page in this folder. */
  private clientAt(time: number, folder: string | undefined): string | undefined {
    const clients = new Set<string>(), there = new Set<string>();
    for (const request of this.ring) {
      if (request.time < time - beforeMs || request.time > time + afterMs) continue;
      clients.add(request.ip);
      if (request.folder !== undefined && folder?.endsWith(request.folder) === true) there.add(request.ip);
    }
    const [only] = clients.size === 1 ? clients : there.size === 1 ? there : [];
    return only;
  }
}
