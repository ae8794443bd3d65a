/** What a report of a very large incident costs: processor time and size, of folding the story and of writing it out. */
import { began, large, reviewFor, utc } from '../test/review-scenes.ts';
import { digestOf } from '../src/engine/incident/digest.ts';
import { htmlOf } from '../src/report/html.ts';
import { incidentDoc } from '../src/report/incident-doc.ts';
import { row, type Row } from './report.ts';

const nodes = 50_000, rounds = 5;

export function benchIncident(): Row[] { return reportRows(); }

function reportRows(): Row[] {
  const story = large(nodes);
  let fold = Infinity, write = Infinity, bytes = 0;
  for (let i = 0; i < rounds; i++) {
    const [folding, digest] = timed(() => digestOf(story, began));
    const [writing, page] = timed(() => htmlOf(incidentDoc(reviewFor({ story: digest }), { lang: 'en', clock: utc, zone: 'UTC' })));
    fold = Math.min(fold, folding);
    write = Math.min(write, writing);
    bytes = Buffer.byteLength(page);
  }
  const detail = `${story.nodes.length} things, ${story.edges.length} deeds; least processor time of ${rounds}`;
  return [row('report: story folded', fold, 'ms', { detail }), row('report: HTML written', write, 'ms', { detail }), row('report: size of the HTML', bytes / 1024, 'KiB')];
}

/** Milliseconds of processor time of this process. */
function timed<T>(work: () => T): [ms: number, value: T] {
  const before = process.cpuUsage();
  const value = work();
  const { user, system } = process.cpuUsage(before);
  return [(user + system) / 1000, value];
}
