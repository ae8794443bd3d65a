/** crowdsec with its firewall bouncer, both from Debian, in the namespace of a host: its own parsers, scenarios and defaults, a local API on loopback there. */
import { execFileSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Net } from '../test/namespaces.ts';
import { peerMissing, peersWanted } from './peer-choice.ts';
import { crowdsecFolder } from './peers.ts';

const bouncer = '/usr/bin/crowdsec-firewall-bouncer';
const api = '127.0.0.1:48082';
const key = 'of-the-measurement-only';
/** Until it reads its log and its bouncer has asked for the first time. */
const readyMs = 60_000;

/** Why it cannot be measured here; undefined when it can. */
export function crowdsecMissing(): string | undefined {
  if (!peersWanted) return peerMissing;
  const missing = ['/usr/bin/crowdsec', '/usr/bin/cscli', bouncer].filter((file) => !existsSync(file));
  return missing.length === 0 ? undefined : `needs ${missing.join(', ')}: apt-get install crowdsec crowdsec-firewall-bouncer`;
}

export interface Crowdsec { log: string; engine: ChildProcess; blocked: () => Promise<number>; stop: () => Promise<void> }

/** Blocks by nftables, as often as Debian's default has the bouncer ask (10 s), or as said. Throws when it does not begin to work within a minute. */
export async function startCrowdsec(net: Net, everySeconds = 10): Promise<Crowdsec> {
  const folder = mkdtempSync(join(tmpdir(), 'moat-respond-crowdsec-'));
  const at = (name: string): string => join(folder, name);
  const log = at('auth.log');
  writeFileSync(log, '');
  writeFileSync(at('acquis.yaml'), `filenames: [${log}]\nlabels: {type: syslog}\n`);
  crowdsecFolder(folder, { api, acquisition: at('acquis.yaml') });
  const cscli = (...args: string[]): void => { execFileSync('cscli', ['-c', at('config.yaml'), ...args], { stdio: 'ignore' }); };
  cscli('bouncers', 'add', 'bench', '-k', key);
  const settings = { mode: 'nftables', pid_dir: folder, update_frequency: `${everySeconds}s`, daemonize: false, log_mode: 'stdout', log_level: 'info', api_url: `http://${api}/`, api_key: key, disable_ipv6: false, deny_action: 'DROP', supported_decisions_types: ['ban'], blacklists_ipv4: 'crowdsec-blacklists', blacklists_ipv6: 'crowdsec6-blacklists', nftables: { ipv4: { enabled: true, 'set-only': false, table: 'crowdsec', chain: 'crowdsec-chain' }, ipv6: { enabled: true, 'set-only': false, table: 'crowdsec6', chain: 'crowdsec6-chain' } }, prometheus: { enabled: false } };
  writeFileSync(at('bouncer.yaml'), JSON.stringify(settings));
  const said: string[] = [];
  const listen = (child: ChildProcess): ChildProcess => { for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => { said.push(chunk.toString()); said.splice(0, said.length - 20); }); return child; };
  const blocked = async (): Promise<number> => {
    const { stdout } = await net.run('nft', ['-j', 'list', 'set', 'ip', 'crowdsec', 'crowdsec-blacklists'], { outputMax: 64 << 20 });
    return (stdout.match(/"(?:val|timeout)"/g) ?? []).length / 2;
  };
  const engine = listen(await net.start(net.host, 'crowdsec', ['-c', at('config.yaml')]));
  let asking: ChildProcess | undefined;
  const stop = async (): Promise<void> => {
    for (const child of [asking, engine]) {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) continue;
      const ended = new Promise((resolve) => { child.once('exit', resolve); });
      child.kill('SIGKILL');
      await ended;
    }
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const isUp = async (): Promise<boolean> => (await net.run('/usr/bin/curl', ['-s', '-o', '/dev/null', '-w', '%{http_code}', '-H', `X-Api-Key: ${key}`, `http://${api}/v1/decisions`])).stdout === '200';
    const until = async (is: () => Promise<boolean>, what: string): Promise<void> => {
      for (const end = Date.now() + readyMs; !await is();) {
        if (Date.now() > end) throw new Error(`crowdsec: ${what} within ${readyMs / 1000} s: ${said.join('').slice(-2000)}`);
        await sleep(200);
      }
    };
    await until(isUp, 'its local API does not answer');
    asking = listen(await net.start(net.host, bouncer, ['-c', at('bouncer.yaml')]));
    await until(async () => (await net.run('nft', ['list', 'set', 'ip', 'crowdsec', 'crowdsec-blacklists'])).code === 0, 'its bouncer makes no set');
    return { log, engine, blocked, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
