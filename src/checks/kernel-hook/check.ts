/** Functions of the kernel that are diverted, as far as user space can tell; and programs that hold the machine's memory open. */
import { reasonOf } from '../../core/error.ts';
import type { Finding } from '../../core/finding.ts';
import { descriptors } from '../../linux/descriptors.ts';
import { readKernelMemory, readSymbols, type Symbols } from '../../linux/kernel-memory.ts';
import { textOf } from '../../linux/tree.ts';
import { fact, finding } from '../finding.ts';
import type { PlaceCheck, ScanContext } from '../port.ts';
import { isShipped, machineOf, ownerOf, processFacts, runningOne, tellDenied } from '../processes.ts';
import { upTo } from '../look.ts';

const tableMax = 4 << 20;
const callsMax = 480;
const findingsMax = 100;
const folders = ['/sys/kernel/tracing', '/sys/kernel/debug/tracing'];

/** What rootkits divert: the listing of folders, of sockets, of modules, signals, reading, starting programs, the log. */
const targets = /^(?:(?:__x64_|__ia32_|__arm64_|__se_)?(?:compat_)?sys_(?:getdents(?:64)?|kill|tkill|tgkill|openat2?|open|read|pread64|write|readlink(?:at)?|statx?|newfstatat|lstat|execve(?:at)?|recvmsg|recvfrom|bpf|finit_module|init_module|delete_module|ptrace|ioctl|clone3?|reboot|sysinfo)|filldir(?:64)?|compat_filldir|fillonedir|(?:tcp|udp)[46]_seq_show|(?:tcp|udp)_(?:diag|v[46])\w*|inet_sk_diag_fill|packet_rcv|tpacket_rcv|find_task_by_vpid|find_pid_ns|proc_pid_readdir|proc_root_readdir|next_tgid|is_bpf_tracing|audit_log_start|commit_creds|prepare_creds|do_sys_openat2|vfs_(?:read|readdir|statx|getattr)|iterate_dir|load_msg|random_read|seq_show|m_show|__sys_sendmsg|ip_rcv|nf_hook_slow|kallsyms_lookup_name|security_\w+|do_exit|tty_read|n_tty_receive_buf\w*|receive_buf)$/;

export const kernelHook: PlaceCheck = {
  id: 'kernel-hook',
  title: { zh: '内核函数被挂钩、直接访问内存', en: 'diverted functions of the kernel, access to its memory' },
  blind: { zh: '内核关闭 kcore、tracefs 或符号地址时只能看到一部分；改写函数中间的指令看不出来', en: 'where the kernel closes kcore, tracefs or its addresses only part can be seen; changes in the middle of a function are not' },
  group: 'kernel',
  scope: 'machine',
  everyMinutes: 60,
  async *run(context) {
    const { procfs } = machineOf(context);
    const symbols = await readSymbols(procfs, new Set(['_stext', '_etext', 'sys_call_table', 'ia32_sys_call_table', 'x32_sys_call_table']));
    yield* callTables(symbols, context);
    yield* traced(context);
    yield* probed(context);
    yield* memory(context);
    tellDenied(context);
  },
};

/** Entries of the tables of system calls that lie outside the kernel's own code. */
async function* callTables(symbols: Symbols | undefined, context: ScanContext): AsyncIterable<Finding> {
  const { procfs } = machineOf(context);
  if (!symbols || symbols.hidden) {
    context.blind('/proc/kallsyms', { zh: '内核不给出符号地址（kptr_restrict 或权限），系统调用表没有核对', en: 'the kernel does not tell its addresses (kptr_restrict, or no right): the tables of system calls were not compared' });
    return;
  }
  const from = symbols.wanted.get('_stext'), to = symbols.wanted.get('_etext');
  const tables = ['sys_call_table', 'ia32_sys_call_table', 'x32_sys_call_table'].filter((name) => symbols.wanted.has(name));
  if (from === undefined || to === undefined || tables.length === 0) { context.count('tables of system calls that this kernel does not name'); return; }
  for (const name of tables) {
    const table = symbols.wanted.get(name)!;
    const bytes = readKernelMemory(procfs, table, callsMax * 8);
    if (!bytes) { context.count('tables of system calls that could not be read (/proc/kcore)'); continue; }
    for (let i = 0; i < callsMax; i++) {
      const entry = bytes.readBigUInt64LE(i * 8);
      // The table ends where its entries are no functions any more; what is behind it must not be judged.
      if (entry < 0xffff_0000_0000_0000n) break;
      if (entry >= from && entry < to) continue;
      if (!bytesGoOn(bytes, i, from, to)) break;
      yield finding('kernel-hook', `call\0${name}\0${i}`, {
        kind: 'intrusion', level: 'critical',
        title: { zh: `系统调用 ${i} 被挂钩：${name} 里的地址不在内核代码内`, en: `system call ${i} is diverted: its entry in ${name} lies outside the kernel's code` },
        evidence: [fact({ zh: '表项', en: 'entry' }, `${name}[${i}] = 0x${entry.toString(16)}`), fact({ zh: '内核代码', en: 'code of the kernel' }, `0x${from.toString(16)} … 0x${to.toString(16)}`)],
        means: { zh: '内核 rootkit 最老的手法：把系统调用换成自己的，从此对所有程序撒谎。', en: 'The oldest way of a rootkit in the kernel: it puts its own function in place of a system call and lies to every program from then on.' },
        fix: { text: { zh: '断网、留证，从可信介质启动检查，重装这台机器', en: 'cut the network, keep evidence, look at the disk from trusted media and install the machine anew' }, commands: [] },
        refs: ['attack:T1014', 'matrix:内核挂钩'],
      });
    }
  }
}

/** Most of what follows an entry are functions of the kernel: then the table has not ended yet. */
function bytesGoOn(bytes: Buffer, at: number, from: bigint, to: bigint): boolean {
  let inside = 0, looked = 0;
  for (let i = at + 1; i < Math.min(at + 9, bytes.length / 8); i++, looked++) {
    const entry = bytes.readBigUInt64LE(i * 8);
    if (entry >= from && entry < to) inside++;
  }
  return looked > 0 && inside * 2 > looked;
}

/** One line of enabled_functions: the function, and who is called. */
export interface Traced { target: string; callback: string | undefined; module: string | undefined; bpf: boolean; line: string }

export function parseTraced(text: string): Traced[] {
  return text.split('\n').flatMap((line) => {
    const target = /^(\S+)(?: \[\S+\])? \(\d+\)/.exec(line)?.[1];
    if (target === undefined) return [];
    // tramp: 0xffffffffc0a01000 (callback+0x0/0x50 [module]) ->…  and  direct-->bpf_trampoline_6442
    const callback = /tramp: \S+ \((\w+)(?:\+\S+)?(?: \[(\w+)\])?\)/.exec(line) ?? /(?:->|ops: \S+ \()(\w+)(?:\+\S+)?(?: \[(\w+)\])?/.exec(line);
    const module = callback?.[2] ?? /\[(\w+)\]\)?\s*(?:->|$)/.exec(line.slice(line.indexOf(')') + 1))?.[1];
    return [{ target, callback: callback?.[1], module: module === 'bpf' ? undefined : module, bpf: line.includes('bpf_trampoline') || line.includes('call_direct_funcs') || module === 'bpf', line }];
  });
}

/** Callbacks of the kernel's own users of ftrace. */
const ordinaryCallback = /^(?:function_(?:trace|stack_trace|graph)\w*|ftrace_\w+|kprobe_ftrace_handler|arch_ftrace_ops_list_func|klp_ftrace_handler|perf_ftrace_function_call|stack_trace_call|event_\w+|call_direct_funcs|fprobe_\w+|fgraph_\w+|bpf_\w+|trace_\w+|graph_\w+|blk_\w+)$/;

async function* traced(context: ScanContext): AsyncIterable<Finding> {
  const text = tracing('enabled_functions', context);
  if (text === undefined) return;
  const suspects = parseTraced(text).filter(({ callback, module, bpf }) => !bpf && (module !== undefined || (callback !== undefined && !ordinaryCallback.test(callback))));
  for (const { target, callback, module, line } of upTo(context, suspects, findingsMax)) {
    const sensitive = targets.test(target);
    yield finding('kernel-hook', `ftrace\0${target}\0${module ?? callback ?? ''}`, {
      kind: sensitive ? 'intrusion' : 'notice', level: sensitive ? 'critical' : 'medium',
      title: { zh: `内核函数 ${target} 被${module === undefined ? `未知函数 ${callback}` : `模块 ${module}`} 挂钩`, en: `${module === undefined ? `the unknown function ${callback}` : `the module ${module}`} diverts the kernel function ${target}` },
      evidence: [fact({ zh: 'enabled_functions 的一行', en: 'line of enabled_functions' }, line)],
      means: { zh: '近年的内核 rootkit 借 ftrace 改道：列目录、列端口、发信号的函数都先经过它。调试工具也用 ftrace，但用的是内核自己的回调。', en: 'Rootkits of recent years divert functions by ftrace: listing folders and ports and sending signals all pass through them. Tools for debugging use ftrace too, with callbacks of the kernel itself.' },
      fix: { text: { zh: '断网、留证，从可信介质启动检查', en: 'cut the network, keep evidence, look at the disk from trusted media' }, commands: [] },
      refs: ['attack:T1014', 'matrix:内核挂钩'],
    });
  }
}

/** kprobes at what rootkits divert. Tools of observability set them too, so alone they are only worth a note. */
async function* probed(context: ScanContext): AsyncIterable<Finding> {
  const text = textOf(context.tree, '/sys/kernel/debug/kprobes/list', tableMax);
  if (text === undefined) { context.count('list of kprobes: not there (debugfs is not mounted, or kernel without)'); return; }
  const at = text.split('\n').flatMap((line) => { const found = /^\S+\s+[kr]\s+(\S+?)\+0x\S+/.exec(line); return found && targets.test(found[1]!) ? [[found[1]!, line] as const] : []; });
  if (at.length === 0) return;
  const events = tracing('kprobe_events', context) ?? '';
  const open = descriptors(machineOf(context).procfs).perfEvents.length > 0 || events.trim() !== '';
  yield finding('kernel-hook', 'kprobes', {
    kind: 'notice', level: open ? 'low' : 'medium',
    title: { zh: `${at.length} 个 kprobe 挂在 rootkit 常用的内核函数上${open ? '' : '，而没有程序打开着它们'}`, en: `${at.length} kprobes stand at kernel functions that rootkits divert${open ? '' : ', and no program holds them open'}` },
    evidence: at.slice(0, 20).map(([name, line]) => fact({ zh: name, en: name }, line)),
    means: { zh: '监控工具（bpftrace、Falco 等）也会这样挂；没有程序持有的，多半是内核模块自己挂的。', en: 'Tools of observability (bpftrace, Falco) do so too. Those that no program holds were most likely set by a module.' },
    refs: ['attack:T1014'],
  });
}

function tracing(name: string, context: ScanContext): string | undefined {
  for (const folder of folders) {
    try {
      const text = textOf(context.tree, `${folder}/${name}`, tableMax);
      if (text !== undefined) return text;
    } catch (error) {
      context.blind(`${folder}/${name}`, reasonOf(error));
      return undefined;
    }
  }
  context.count('tables of tracefs that are not there');
  return undefined;
}

async function* memory(context: ScanContext): AsyncIterable<Finding> {
  for (const { pid, path } of descriptors(machineOf(context).procfs).memory) {
    const one = runningOne(pid, context);
    if (!one || pid === process.pid) continue;
    const shipped = isShipped(await ownerOf(one, context));
    yield finding('kernel-hook', `memory\0${path}\0${pid}`, {
      kind: shipped ? 'notice' : 'intrusion', level: shipped ? 'low' : 'high', pid, path,
      title: { zh: `${one.exe ?? one.stat.name}（进程 ${pid}）打开着整机内存 ${path}`, en: `${one.exe ?? one.stat.name} (process ${pid}) has the memory of the machine open: ${path}` },
      evidence: processFacts(one, context),
      means: { zh: '从这里可以读出任何进程的密钥，也可以直接改写内核。服务器上极少有程序需要它。', en: 'Keys of any process can be read here, and the kernel itself rewritten. Hardly any program on a server needs it.' },
      refs: ['attack:T1014', 'attack:T1003'],
    });
  }
}
