/** Packet capture: processor time a packet, and what was lost, beside tcpdump writing all of it to a file, under the same datagrams in the same run. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readlinkSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Capture } from '../src/agent/capture.ts';
import { parseConfig } from '../src/agent/config.ts';
import { Health } from '../src/engine/health.ts';
import { hostIp, Net } from '../test/namespaces.ts';
import { type Row, row } from './report.ts';

const packets = 100_000, bytes = 500, rounds = 3;
const sender = `const s=require('node:dgram').createSocket('udp4'),b=Buffer.alloc(${bytes});let n=0;const go=()=>{for(let i=0;i<50&&n<${packets};i++,n++)s.send(b,9999,'${hostIp}');if(n<${packets})setImmediate(go);else s.close();};s.bind(go);`;
/** Of a hundredth of a second each, as the kernel counts. */
const tick = 0.01;

const processorOf = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '').split(' ');
  return (Number(fields[11]) + Number(fields[12])) * tick;
};
const withFile = (part: string): number => Number(readdirSync('/proc').find((pid) => {
  if (!/^\d+$/.test(pid)) return false;
  try { return readlinkSync(`/proc/${pid}/fd/4`).startsWith(part); } catch { return false; /* another's, or gone */ }
}));

export async function benchCapture(): Promise<Row[]> {
  const net = new Net(), folder = mkdtempSync(join(tmpdir(), 'moat-bench-capture-'));
  try {
    const send = async (): Promise<void> => { await once(spawn('ip', ['netns', 'exec', net.outside, process.execPath, '-e', sender], { stdio: 'ignore' }), 'close'); await sleep(1000); };
    const health = new Health(Date.now);
    const capture = new Capture({ health, log: { debug: () => undefined, info: () => undefined, warn: () => undefined }, now: Date.now, dataFolder: folder, tool: 'bench', within: ['ip', 'netns', 'exec', net.host] });
    const ours = { processor: Infinity, dropped: 0, memory: 0 }, theirs = { processor: Infinity, dropped: 0 };
    for (let round = 0; round < rounds; round++) {
      await capture.configure(parseConfig('evidence: { capture: { enabled: true } }', 'moat.yml'));
      while (health.report().parts['packet capture']?.state !== 'live') await sleep(50);
      const pid = withFile(folder), before = processorOf(pid);
      await send();
      ours.processor = Math.min(ours.processor, processorOf(pid) - before);
      ours.memory = Number(/^VmRSS:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
      await sleep(2500);
      ours.dropped = health.report().counters['packet capture: packets dropped by the kernel'] ?? 0;
      await capture.stop();
      const child = await net.start(net.host, 'tcpdump', ['-i', 'any', '-n', '-U', '-Z', 'root', '-w', join(folder, 'peer.pcap')]);
      let said = '';
      child.stderr!.on('data', (piece: Buffer) => { said += piece.toString(); });
      while (!said.includes('listening')) await sleep(20);
      const began = processorOf(child.pid!);
      await send();
      theirs.processor = Math.min(theirs.processor, processorOf(child.pid!) - began);
      const ended = once(child, 'close');
      child.kill('SIGINT');
      await ended;
      theirs.dropped += Number(/(\d+) packets? dropped by kernel/.exec(said)?.[1] ?? 0);
    }
    const each = (seconds: number): number => (seconds * 1e6) / packets;
    return [
      row('tcpdump -w, all packets to a file', each(theirs.processor), 'µs/packet', { detail: `${theirs.dropped} of ${rounds * packets} dropped`, ours: each(ours.processor), lowerIsBetter: true }),
      row('Moat: what passes held in memory', each(ours.processor), 'µs/packet', { detail: `${ours.dropped} of ${rounds * packets} dropped, ${ours.memory.toFixed(0)} MB with 64 MiB of packets` }),
    ];
  } finally {
    await net.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
