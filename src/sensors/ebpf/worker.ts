/**
 * The thread that reads the ring: it waits in the kernel, so it cannot be the main thread, and it goes on reading
 * while the main thread is busy. An entry of the build beside the program itself.
 */
import { closeSync, existsSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { parentPort, receiveMessageOnPort, workerData, type MessagePort } from 'node:worker_threads';
import { MoatError } from '../../core/error.ts';
import { BpfRing } from '../../linux/bpf-ring.ts';
import { type BpfObject, loadObject, type NotAttached, tracefsFolder } from '../../linux/libbpf.ts';
import { type Libc, openLibc } from '../../linux/native.ts';
import { fillFileMaps, fillSocketNames } from './file-maps.ts';
import { recordTypes } from './gen/records.ts';
import type { FromWorker, ToWorker, WorkerData } from './messages.ts';

/** Bytes of one piece. */
const pieceBytes = 512 * 1024;
/** Pieces the sensor has not finished; then the ring is left to fill, and what does not fit is counted by the kernel. */
const piecesMost = 48;
/** At the end, beyond those under way. */
const lastPieces = 64;
/** Records that are not urgent wait so long at most; a message of the sensor too. */
const waitMs = 100;
/** After a piece, wait so long for more: one message for many records. */
const gatherMs = 4;
const countsEveryMs = 1000;

/** Layout of struct config and struct cpu_count in sensor/common.h. */
const configSize = 32;
const countStride = 64;
const maxCpus = 256;

const exits = (names: readonly string[]): string[] => names.map((name) => `sys_exit_${name}`);
/** Programs that serve several system calls. */
const syscalls = {
  on_accept: exits(['accept', 'accept4']), on_open: exits(['open', 'openat', 'openat2', 'creat']),
  on_credentials: exits(['setuid', 'setreuid', 'setresuid', 'setgid', 'setregid', 'setresgid', 'capset']),
};

/** Each tracepoint of a system call takes the kernel some 70 ms to take off again: what is not wanted is not put on. */
const filePrograms = /^on_open$|^change_/;
const callPrograms = /^call_|^on_credentials$|^on_signal$/;

/** Modules are not missed where the kernel has none. */
const wanted = (program: string, data: WorkerData): boolean =>
  !(filePrograms.test(program) && !data.files) && !(callPrograms.test(program) && !data.calls) && !(program === 'on_module' && !existsSync('/proc/modules'));

async function main(port: MessagePort, data: WorkerData): Promise<void> {
  const say = (message: FromWorker, transfer: ArrayBuffer[] = []): void => { port.postMessage(message, transfer); };
  try {
    const libc = await openLibc();
    // Before libbpf takes and frees its ten megabytes.
    libc.returnLarge();
    mountTracefs(libc);
    const cgroup = openCgroup();
    const base = await loadObject({
      file: join(data.objects, 'base.bpf.o'), needed: ['on_exec', 'on_fork', 'on_exit'], sizes: { ring: data.ringBytes }, syscalls,
      wanted: (program) => wanted(program, data), ...(cgroup !== undefined && { cgroup }),
    });
    if (cgroup !== undefined) closeSync(cgroup);
    const guard = await loadGuard(base, data);
    try {
      if (data.files) fillFileMaps(base, data.files);
      if (data.calls) fillSocketNames(base);
      // Loading took some ten megabytes for a moment.
      libc.trim();
      read(port, say, libc, base, guard, data);
      // Nothing is told any more; taking the programs off takes a second or two and nobody need wait for it.
      say({ type: 'ended' });
    } finally {
      if ('attached' in guard) await guard.close();
      await base.close();
    }
  } catch (error) {
    const { code, hint } = error instanceof MoatError ? error : { code: 'unexpected', hint: undefined };
    say({ type: 'failed', code, message: (error as Error).message, hint });
  }
  port.close();
}

/** Programs that few kernels attach; without them everything else works, so a refusal is told and no failure. */
async function loadGuard(base: BpfObject, data: WorkerData): Promise<BpfObject | { missing: readonly NotAttached[] }> {
  const shared = Object.fromEntries(['ring', 'config', 'counts', 'slots', 'depth', 'denied'].map((name) => [name, base.map(name).fd]));
  try {
    return await loadObject({ file: join(data.objects, 'guard.bpf.o'), needed: [], shared });
  } catch (error) {
    if (!(error instanceof MoatError)) throw error;
    return { missing: [{ program: 'refuse_exec', reason: error.message }] };
  }
}

/** Tracepoints of system calls are found there. systemd mounts it; on machines without it we do, as other tracers do too. */
function mountTracefs(libc: Libc): void {
  if (tracefsFolder() !== undefined) return;
  // When it fails, the programs that need it are told as not attached.
  libc.mount('tracefs', '/sys/kernel/tracing', 'tracefs');
}

/** The root of the unified hierarchy: programs there see the packets of all. */
function openCgroup(): number | undefined {
  const folder = ['/sys/fs/cgroup', '/sys/fs/cgroup/unified'].find((name) => existsSync(join(name, 'cgroup.procs')) && existsSync(join(name, 'cgroup.controllers')));
  return folder === undefined ? undefined : openSync(folder, 'r');
}

/** Until the sensor says stop. */
function read(port: MessagePort, say: (message: FromWorker, transfer?: ArrayBuffer[]) => void, libc: Libc, base: BpfObject, guard: Awaited<ReturnType<typeof loadGuard>>, data: WorkerData): void {
  const configMap = libc.map(base.map('config').fd, Math.max(libc.pageSize, configSize), 0, true);
  const countMap = libc.map(base.map('counts').fd, Math.max(libc.pageSize, countStride * maxCpus), 0, false);
  const ringFd = base.map('ring').fd;
  const ring = new BpfRing(libc, ringFd, data.ringBytes);
  const poller = libc.poller(ringFd);
  const config = new Int32Array(configMap.bytes);
  const counts = new BigUint64Array(countMap.bytes);
  const finished = new Int32Array(data.done);
  config[1] = data.ownPid;
  config[4] = data.firstEphemeral;
  config[5] = data.files ? data.files.quietPrograms.length : 0;
  const enabled = new BigUint64Array(configMap.bytes, 8, 1);
  enabled[0] = Object.values(recordTypes).reduce((bits, type) => bits | (1n << BigInt(type)), 0n);
  say({ type: 'live', attached: [...base.attached, ...('attached' in guard ? guard.attached : [])], missing: [...base.missing, ...guard.missing] });

  const denied = base.map('denied');
  const one = Buffer.from([1, 0, 0, 0]);

  let sent = 0;
  const pass = (): boolean => {
    const bytes = ring.take(pieceBytes);
    if (bytes === undefined) return false;
    sent = (sent + 1) | 0;
    say({ type: 'records', bytes, bootOffset: Date.now() - libc.bootNs() / 1e6 }, [bytes]);
    return true;
  };
  let told = '';
  let tellAt = 0;
  try {
    for (;;) {
      const message = receiveMessageOnPort(port)?.message as ToWorker | undefined;
      if (message?.type === 'stop') {
        // What happened before is still told: who stopped Moat stands in it.
        enabled[0] = 0n;
        for (let pieces = 0; pieces < lastPieces && pass();) pieces++;
        return;
      }
      if (message?.type === 'deny') {
        const { request, inode, device, on } = message;
        const key = Buffer.alloc(16);
        key.writeBigUInt64LE(BigInt(inode), 0);
        key.writeUInt32LE(device, 8);
        const known = denied.get(key, 4) !== undefined;
        const ok = on ? denied.set(key, one) : !known || denied.delete(key);
        // The kernel looks into the list only while something stands in it.
        if (ok && on !== known) config[6] = (config[6] ?? 0) + (on ? 1 : -1);
        say({ type: 'deny', request, ok });
      }
      const now = performance.now();
      if (now >= tellAt) {
        tellAt = now + countsEveryMs;
        const sums = sumCounts(counts);
        const text = JSON.stringify(sums);
        if (text !== told) { told = text; say({ type: 'counts', ...sums }); }
      }
      if (((sent - Atomics.load(finished, 0)) | 0) >= piecesMost) { Atomics.wait(finished, 0, Atomics.load(finished, 0), waitMs); continue; }
      if (pass()) { Atomics.wait(finished, 1, 0, gatherMs); continue; }
      Atomics.store(config, 0, 1);
      // What came between the last look and arming woke nobody.
      if (pass()) continue;
      poller.wait(waitMs);
    }
  } finally {
    enabled[0] = 0n;
    poller.close();
    ring.close();
    configMap.unmap();
    countMap.unmap();
  }
}

function sumCounts(counts: BigUint64Array): { sent: number; lost: number; nested: number } {
  let sent = 0, lost = 0, nested = 0;
  for (let cpu = 0; cpu < maxCpus; cpu++) {
    const at = (cpu * countStride) / 8;
    sent += Number(counts[at]);
    lost += Number(counts[at + 1]);
    nested += Number(counts[at + 2]);
  }
  return { sent, lost, nested };
}

if (parentPort) await main(parentPort, workerData as WorkerData);
