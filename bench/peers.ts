/** fail2ban and crowdsec from Debian, given the same files in the same run. Undefined where one is not installed. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasPeer } from './peer-choice.ts';
import { measured } from './process.ts';

/** Processor time, of all that it started. */
export interface PeerRun { seconds: number }

const longestMs = 300_000;
const hub = '/usr/share/crowdsec/hub';
const scenarios = ['ssh-bf', 'ssh-slow-bf', 'http-probing', 'http-sensitive-files', 'http-path-traversal-probing', 'http-sqli-probing', 'http-xss-probing', 'http-bad-user-agent', 'http-crawl-non_statics', 'http-backdoors-attempts'];

/** fail2ban-regex with its own filter of that name. */
export async function fail2ban(file: string, filter: string): Promise<PeerRun | undefined> {
  if (!hasPeer('/usr/bin/fail2ban-regex')) return undefined;
  const { status, cpu } = await measured('fail2ban-regex', ['--print-no-missed', '--print-no-ignored', file, filter], longestMs);
  return status === undefined ? undefined : { seconds: cpu };
}

/** crowdsec in its forensic mode with the parsers and scenarios of Debian's package, a local API of its own on loopback. */
export async function crowdsec(file: string, type: 'syslog' | 'nginx'): Promise<PeerRun | undefined> {
  if (!hasPeer('/usr/bin/crowdsec') || !existsSync(`${hub}/.index.json`)) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'moat-bench-crowdsec-'));
  try {
    crowdsecFolder(folder, { api: '127.0.0.1:48081' });
    const { status, cpu } = await measured('crowdsec', ['-c', join(folder, 'config.yaml'), '-dsn', `file://${file}`, '-type', type], longestMs);
    return status === 0 ? { seconds: cpu } : undefined;
  } finally { rmSync(folder, { recursive: true, force: true }); }
}

/** A configuration of its own in this folder (`config.yaml`), with Debian's parsers and scenarios and a local API there; `acquisition`: its file of what is read. Throws when cscli fails. */
export function crowdsecFolder(folder: string, { api, acquisition = '' }: { api: string; acquisition?: string }): void {
  const at = (name: string): string => join(folder, name);
  for (const part of ['data', 'hub', 'parsers/s00-raw', 'parsers/s01-parse', 'parsers/s02-enrich', 'scenarios', 'postoverflows']) mkdirSync(at(part), { recursive: true });
  cpSync('/etc/crowdsec/patterns', at('patterns'), { recursive: true });
  for (const name of readdirSync('/usr/share/crowdsec/data')) copyFileSync(`/usr/share/crowdsec/data/${name}`, at(`data/${name}`));
  // The scenario and Debian's data file disagree about this name.
  copyFileSync('/usr/share/crowdsec/data/path_traversal.txt', at('data/http_path_traversal.txt'));
  copyFileSync(`${hub}/.index.json`, at('hub/.index.json'));
  const link = (part: string): void => { if (existsSync(`${hub}/${part}`)) symlinkSync(`${hub}/${part}`, at(part.replace('/crowdsecurity/', '/'))); };
  for (const part of ['s00-raw/crowdsecurity/syslog-logs', 's01-parse/crowdsecurity/sshd-logs', 's01-parse/crowdsecurity/nginx-logs', 's02-enrich/crowdsecurity/dateparse-enrich', 's02-enrich/crowdsecurity/http-logs']) link(`parsers/${part}.yaml`);
  for (const name of scenarios) link(`scenarios/crowdsecurity/${name}.yaml`);
  writeFileSync(at('simulation.yaml'), 'simulation: false\n');
  writeFileSync(at('config.yaml'), `common: {daemonize: false, log_media: stdout, log_level: error, working_dir: .}
config_paths: {config_dir: ${folder}, data_dir: ${at('data')}, simulation_path: ${at('simulation.yaml')}, hub_dir: ${at('hub')}, index_path: ${at('hub/.index.json')}}
crowdsec_service: {acquisition_path: "${acquisition}", parser_routines: 1, buckets_routines: 1, output_routines: 1}
db_config: {type: sqlite, db_path: ${at('data/bench.db')}}
api: {client: {credentials_path: ${at('credentials.yaml')}}, server: {enable: true, listen_uri: ${api}, profiles_path: /etc/crowdsec/profiles.yaml}}
prometheus: {enabled: false}
`);
  execFileSync('cscli', ['-c', at('config.yaml'), 'machines', 'add', 'bench', '-p', 'bench-only', '-f', at('credentials.yaml'), '--force'], { stdio: 'ignore' });
}
