/**
 * `npm run bench [-- logs|sigma|latency|respond|sensor|start|integrity|evidence|capture|image|incident|soak|story|webshell|scan|server|console …]`: measures beside the peers that are installed and prints ratios.
 * `--no-peers` leaves the peers out, which take minutes. Run it on an otherwise idle machine.
 */
import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { benchCapture } from './capture.ts';
import { benchConsole } from './console.ts';
import { benchEvidence } from './evidence.ts';
import { benchImage } from './image.ts';
import { benchIncidentStory } from './incident-story.ts';
import { benchIncident } from './incident.ts';
import { benchIntegrity } from './integrity.ts';
import { benchLatency } from './latency.ts';
import { benchLogs } from './logs.ts';
import { noPeers } from './peer-choice.ts';
import { print, type Row } from './report.ts';
import { benchRespond } from './respond.ts';
import { benchScan } from './scan.ts';
import { benchSensor } from './sensor.ts';
import { benchServer } from './server.ts';
import { benchSoak } from './soak.ts';
import { benchStart } from './start.ts';
import { benchWebshell } from './webshell.ts';
import { benchSigma } from './sigma.ts';

const sections: Record<string, { title: string; run: () => Row[] | Promise<Row[]> }> = {
  logs: { title: 'Log lines, raw to alert, one core', run: benchLogs },
  sigma: { title: 'Events through rules, one core', run: benchSigma },
  sensor: { title: 'Kernel sensor', run: benchSensor },
  start: { title: 'The first seconds', run: benchStart },
  integrity: { title: 'Integrity: baseline and packages', run: benchIntegrity },
  soak: { title: 'Six minutes of mixed load', run: benchSoak },
  evidence: { title: 'Evidence into an archive', run: benchEvidence },
  capture: { title: 'Packet capture', run: benchCapture },
  image: { title: 'Images and large trees', run: benchImage },
  incident: { title: 'Incidents: report', run: benchIncident },
  latency: { title: 'Latency and footprint', run: benchLatency },
  respond: { title: 'From alert to blocked', run: benchRespond },
  story: { title: 'From alert to story', run: benchIncidentStory },
  webshell: { title: 'Web trojans: own samples and benign PHP', run: benchWebshell },
  scan: { title: 'A full scan beside others', run: benchScan },
  server: { title: 'Two hundred people and a flood', run: benchServer },
  console: { title: 'The console in a browser', run: benchConsole },
};

/** Only when asked for: minutes each. */
const long = new Set(['soak', 'story', 'webshell', 'scan', 'server', 'console']);

const asked = process.argv.slice(2).filter((name) => name !== noPeers);
for (const name of asked) if (!Object.hasOwn(sections, name)) { console.error(`expected ${[...Object.keys(sections), noPeers].join(', ')}, got ${name}`); process.exit(2); }
execFileSync(process.execPath, [fileURLToPath(new URL('../tools/build.mjs', import.meta.url))], { stdio: 'inherit' });
console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}, ${new Date().toISOString().slice(0, 10)}`);
for (const [name, { title, run }] of Object.entries(sections)) {
  if (asked.includes(name) || (asked.length === 0 && !long.has(name))) print(title, await run());
}
