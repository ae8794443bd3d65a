/**
 * From a log line to packets that are dropped, from a program to a frozen tree, and large block lists; fail2ban and crowdsec beside it. All of it in
 * network namespaces of its own: somebody outside sends a datagram each millisecond from an address that guesses passwords, and the
 * last answer tells when it was cut off.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { appendFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseNetwork, type Network } from '../src/core/networks.ts';
import { openElements } from '../src/linux/firewall/elements.ts';
import { NftFirewall } from '../src/linux/firewall/nft.ts';
import { onlyLog, startMoat } from '../test/live/moat.ts';
import { hostileHour } from '../test/hostile-hour.ts';
import { hostIp, Net } from '../test/namespaces.ts';
import { hasPeer } from './peer-choice.ts';
import { quantile, rss } from './process.ts';
import { row, type Row } from './report.ts';
import { crowdsecMissing, startCrowdsec } from './respond-crowdsec.ts';
import { freezeShells, isolate, type Isolated } from './respond-strike.ts';

const rounds = 40;
const failures = 10;
const many = 1000;
/** In an hour, whose clock runs faster. */
const attackers = 12_000;
const quietMs = 400;
/** What one round may take before it counts as not blocked. */
const roundMs = 5000;
/** The bouncer of crowdsec asks every ten seconds. */
const slow = { rounds: 10, roundMs: 15_000 };

const guesser = (round: number): string => `192.0.2.${100 + round}`;
const crowd = (i: number): string => `198.18.${i >> 8}.${i & 255}`;
const stamp = (): string => `${new Date().toISOString().slice(0, 19)}+00:00`;
const burst = (address: string): string => Array.from({ length: failures }, (_, i) => `${stamp()} web-1 sshd[${4000 + i}]: Failed password for root from ${address} port ${20_000 + i} ssh2\n`).join('');

/** In the namespace of the host: answers each datagram. */
const echo = `const s = require('dgram').createSocket('udp4'); s.on('message', (m, r) => s.send(m, r.port, r.address)); s.bind(9, () => console.log('ready'));`;
/** Outside: for each address it is told, sends a datagram a millisecond until nothing has come back for a while; says when the last that was answered was sent. */
const prober = (mostMs: number): string => `
const dgram = require('dgram');
require('readline').createInterface({ input: process.stdin }).on('line', (address) => {
  const s = dgram.createSocket('udp4'); let last = 0, heard = Date.now(); const began = Date.now();
  s.on('message', (m) => { last = Math.max(last, Number(m.toString())); heard = Date.now(); });
  s.on('error', () => undefined);
  s.bind(0, address, () => { const t = setInterval(() => {
    if (last > 0 && Date.now() - heard > ${quietMs} || Date.now() - began > ${mostMs}) { clearInterval(t); s.close(); console.log(address + ' ' + (Date.now() - heard > ${quietMs} ? last : 0)); return; }
    s.send(String(Date.now()), 9, '${hostIp}', () => undefined);
  }, 1); console.log(address + ' begun'); });
});`;

interface Result { latencies: number[]; thousandMs: number | undefined; rssMb: number }

export async function benchRespond(): Promise<Row[]> {
  if (process.getuid?.() !== 0 || !existsSync('/usr/sbin/nft')) return [row('response', undefined, 'ms', { why: 'needs root and nftables' })];
  const ours = await guarded(withMoat);
  const theirs = hasPeer('/usr/bin/fail2ban-server') ? await guarded(withFail2ban) : undefined;
  const noCrowdsec = crowdsecMissing();
  const third = noCrowdsec === undefined ? await guarded(withCrowdsec) : undefined;
  const cut = await guarded(isolations);
  const shells = await freezeShells();
  const lists = await guarded(blockLists);
  const hour = await guarded((net) => hostileHour(net.host, attackers));
  const [p50, p99] = [quantile(ours.latencies, 0.5), quantile(ours.latencies, 0.99)];
  return [
    row('log line to dropped packet, median', p50, 'ms', { lowerIsBetter: true }),
    row('log line to dropped packet, p99', p99, 'ms', { lowerIsBetter: true, budget: 150, detail: `${ours.latencies.length} of ${rounds} blocked` }),
    row('the same, fail2ban, median', theirs && quantile(theirs.latencies, 0.5), 'ms', { lowerIsBetter: true, ...(theirs && { why: 'none was blocked' }), ours: p50, ...(theirs && { detail: `${theirs.latencies.length} of ${rounds} blocked` }) }),
    row('the same, fail2ban, p99', theirs && quantile(theirs.latencies, 0.99), 'ms', { lowerIsBetter: true, ours: p99 }),
    row('the same, crowdsec with its firewall bouncer, median', third && quantile(third.latencies, 0.5), 'ms', { lowerIsBetter: true, ours: p50, why: noCrowdsec ?? 'none was blocked', ...(third && { detail: `${third.latencies.length} of ${slow.rounds} blocked; the bouncer asks every 10 s, as Debian ships it` }) }),
    row('the same, crowdsec with its firewall bouncer, worst', third && quantile(third.latencies, 1), 'ms', { lowerIsBetter: true, ours: p99, why: noCrowdsec ?? 'none was blocked' }),
    row(`${many} attackers at once, all blocked`, ours.thousandMs, 'ms', { lowerIsBetter: true, budget: 1000, ...(ours.thousandMs === undefined && { why: 'not all were blocked' }) }),
    row('the same, fail2ban', theirs?.thousandMs, 'ms', { lowerIsBetter: true, ...(ours.thousandMs !== undefined && { ours: ours.thousandMs }), ...(theirs && theirs.thousandMs === undefined && { why: 'not all were blocked within a minute' }) }),
    row('the same, crowdsec with its firewall bouncer', third?.thousandMs, 'ms', { lowerIsBetter: true, ...(ours.thousandMs !== undefined && { ours: ours.thousandMs }), why: noCrowdsec ?? 'not all were blocked within a minute' }),
    row('memory afterwards', ours.rssMb, 'MB', { lowerIsBetter: true }),
    row('the same, fail2ban', theirs?.rssMb, 'MB', { lowerIsBetter: true, ours: ours.rssMb }),
    row('the same, crowdsec without its bouncer', third?.rssMb, 'MB', { lowerIsBetter: true, ours: ours.rssMb, ...(noCrowdsec !== undefined && { why: noCrowdsec }) }),
    row('exec of a reverse shell to frozen tree, median', shells && quantile(shells.frozen, 0.5), 'ms', { lowerIsBetter: true, why: shells === undefined ? 'needs the kernel sensor' : 'none was frozen', ...(shells && { detail: `${shells.frozen.length} of ${shells.of} frozen` }) }),
    row('exec of a reverse shell to frozen tree, worst', shells && quantile(shells.frozen, 1), 'ms', { lowerIsBetter: true, budget: 70, why: shells === undefined ? 'needs the kernel sensor' : 'none was frozen' }),
    row('taken back: thawed, worst', shells && quantile(shells.thawed, 1), 'ms', { lowerIsBetter: true, why: shells === undefined ? 'needs the kernel sensor' : 'none was thawed' }),
    row('alert to last packet of an isolated host, worst', quantile(cut.cut, 1), 'ms', { lowerIsBetter: true, budget: 1000, why: 'it was not isolated', detail: `${cut.cut.length} times` }),
    row('alert to isolation verified and recorded, worst', quantile(cut.verified, 1), 'ms', { lowerIsBetter: true, budget: 1000, why: 'it was not isolated' }),
    row('taken back: isolation, worst', quantile(cut.back, 1), 'ms', { lowerIsBetter: true, budget: 1000, why: 'it was not isolated' }),
    row(`${attackers} attackers in an hour, blocked`, hour === undefined ? undefined : attackers - hour.missed.length, '', { budget: attackers, ...(hour && { detail: `${hour.most} at a time, ${hour.remembered} remembered` }) }),
    row('memory they cost, from the first tenth to the end', hour?.heapMb, 'MB', { lowerIsBetter: true }),
    row('100,000 addresses loaded', lists.loadMs, 'ms', { lowerIsBetter: true, budget: 2000 }),
    row('one more added to them, p99 of 200', lists.addMs, 'ms', { lowerIsBetter: true, budget: 20 }),
    row('the same, by nft into a hash set', lists.nftMs, 'ms', { lowerIsBetter: true, ours: lists.addMs }),
  ];
}

/** A world of its own for each, taken away whatever happens. */
async function guarded<T>(work: (net: Net) => Promise<T>): Promise<T> {
  const net = new Net();
  try {
    for (let i = 0; i < rounds; i++) execFileSync('ip', ['-n', net.outside, 'addr', 'add', `${guesser(i)}/24`, 'dev', 'eth0']);
    return await work(net);
  } finally { await net.close(); }
}

/** Somebody outside: `probe` begins to send from an address, and tells when the last datagram that was answered was sent (Unix ms), 0 when it is never cut off. */
async function outsider(net: Net, mostMs = roundMs): Promise<{ probe: (address: string) => Promise<{ last: Promise<number> }>; end: () => void }> {
  const server = await net.start(net.host, process.execPath, ['-e', echo]);
  await new Promise((resolve) => { server.stdout?.once('data', resolve); });
  const child = spawn('ip', ['netns', 'exec', net.outside, process.execPath, '-e', prober(mostMs)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const waiting = new Map<string, (word: string) => void>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    const [address = '', word = ''] = line.split(' ');
    waiting.get(address)?.(word);
  });
  const heard = (address: string): Promise<string> => new Promise((resolve) => { waiting.set(address, resolve); });
  return {
    async probe(address) {
      const begun = heard(address);
      child.stdin.write(`${address}\n`);
      await begun;
      return { last: heard(address).then(Number) };
    },
    end: () => { child.kill('SIGKILL'); server.kill('SIGKILL'); },
  };
}

async function measure(net: Net, log: string, child: ChildProcess, blocked: () => number | Promise<number>, most = { rounds, roundMs }): Promise<Result> {
  const { probe, end } = await outsider(net, most.roundMs);
  try {
    const latencies: number[] = [];
    for (let round = 0; round < most.rounds; round++) {
      const address = guesser(round);
      const { last: ended } = await probe(address);
      await sleep(100);
      const written = Date.now();
      appendFileSync(log, burst(address));
      const last = await ended;
      if (last > 0) latencies.push(Math.max(0, last - written));
    }
    const before = await blocked();
    const written = Date.now();
    appendFileSync(log, Array.from({ length: many }, (_, i) => burst(crowd(i))).join(''));
    let thousandMs: number | undefined;
    for (; Date.now() - written < 60_000; await sleep(10)) {
      if (await blocked() - before < many) continue;
      thousandMs = Date.now() - written;
      break;
    }
    return { latencies, thousandMs, rssMb: rss(child) };
  } finally { end(); }
}

async function withMoat(net: Net): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'moat-respond-'));
  const log = join(folder, 'auth.log');
  writeFileSync(log, '');
  const moat = await startMoat(`${onlyLog(log)}response: { mode: guard }\n`, { folder, namespace: net.host });
  try {
    await sleep(3000);
    const wall = new NftFirewall(net.run, { namespace: `/run/netns/${net.host}` });
    await wall.ensure();
    const result = await measure(net, log, moat.child, async () => (await wall.list()).length);
    wall.close();
    return result;
  } finally {
    await moat.stop();
    rmSync(folder, { recursive: true });
  }
}

/** fail2ban-server in the host's namespace, with its own nftables action and a configuration, socket and database of its own. */
async function withFail2ban(net: Net): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'moat-respond-f2b-'));
  const at = (name: string): string => join(folder, name);
  for (const part of ['filter.d', 'action.d']) mkdirSync(at(part));
  writeFileSync(at('auth.log'), '');
  for (const name of ['common.conf', 'sshd.conf']) cpSync(`/etc/fail2ban/filter.d/${name}`, at(`filter.d/${name}`));
  for (const name of ['nftables.conf', 'nftables-allports.conf']) if (existsSync(`/etc/fail2ban/action.d/${name}`)) cpSync(`/etc/fail2ban/action.d/${name}`, at(`action.d/${name}`));
  writeFileSync(at('fail2ban.conf'), `[Definition]\nloglevel = INFO\nlogtarget = ${at('f2b.log')}\nsyslogsocket = auto\nsocket = ${at('sock')}\npidfile = ${at('pid')}\ndbfile = None\ndbpurgeage = 1d\ndbmaxmatches = 10\n[Thread]\nstacksize = 0\n`);
  writeFileSync(at('jail.conf'), `[DEFAULT]\nbackend = auto\nmaxretry = 5\nfindtime = 600\nbantime = 600\nignoreip = 127.0.0.9\nusedns = no\nlogencoding = auto\n[sshd]\nenabled = true\nfilter = sshd\nlogpath = ${at('auth.log')}\naction = nftables[type=allports, protocol="tcp,udp"]\n`);
  const child = await net.start(net.host, 'fail2ban-server', ['-f', '-c', folder, '-s', at('sock'), '-p', at('pid'), 'start']);
  try {
    await sleep(4000);
    return await measure(net, at('auth.log'), child, () => (readFileSync(at('f2b.log'), 'utf8').match(/ Ban /g) ?? []).length);
  } finally {
    child.kill('SIGTERM');
    await new Promise((resolve) => { child.once('exit', resolve); });
    rmSync(folder, { recursive: true });
  }
}

async function withCrowdsec(net: Net): Promise<Result> {
  const { log, engine, blocked, stop } = await startCrowdsec(net);
  try {
    return await measure(net, log, engine, blocked, slow);
  } finally { await stop(); }
}

async function isolations(net: Net): Promise<Isolated> {
  const { probe, end } = await outsider(net);
  try {
    return await isolate(net, guesser, probe);
  } finally { end(); }
}

async function blockLists(net: Net): Promise<{ loadMs: number; addMs: number; nftMs: number }> {
  const namespace = `/run/netns/${net.host}`;
  const wall = new NftFirewall(net.run, { namespace });
  await wall.ensure();
  const one = (text: string): Network => parseNetwork(text)!;
  const entries = Array.from({ length: 100_000 }, (_, i) => ({ network: one(`10.${100 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`), until: Date.now() + 3_600_000 }));
  const timed = async (work: () => unknown): Promise<number> => {
    const began = performance.now();
    await work();
    return performance.now() - began;
  };
  const loadMs = await timed(() => wall.replace(entries));
  const adds: number[] = [];
  for (let i = 0; i < 200; i++) adds.push(await timed(() => wall.block([{ network: one(`10.200.0.${i}`) }])));
  const nfts: number[] = [];
  for (let i = 0; i < 20; i++) nfts.push(await timed(() => net.run('nft', ['add', 'element', 'inet', 'moat', 'block4', `{ 10.201.0.${i} }`])));
  // Proven to be there, not only sent.
  const elements = await openElements('moat', namespace);
  const count = elements.list('block4').length;
  elements.close();
  wall.close();
  if (count !== 100_220) throw new Error(`expected 100,220 blocked addresses, got ${count}`);
  return { loadMs, addMs: quantile(adds, 0.99) ?? Number.NaN, nftMs: quantile(nfts, 0.5) ?? Number.NaN };
}
