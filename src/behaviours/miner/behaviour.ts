/**
 * A miner by combined evidence: what it says on the wire, whom it asks for, its command line, what it tunes, how
 * it works, what it is called and where it came from. Each piece has a weight (evidence.ts); an alert names them all.
 *
 * Pieces belong to a program (its executable; for an interpreter, with its script), so that a miner that is
 * started anew is one. What a shell of the same tree did (huge pages, a wallet on its command line) counts for
 * the program that works.
 */
import type { Event } from '../../core/gen/event.ts';
import { atLeast, type Level } from '../../core/level.ts';
import type { ProcessNode } from '../../core/lineage.ts';
import { own } from '../../core/own.ts';
import type { Behaviour, BehaviourContext, BehaviourRun } from '../../core/ports.ts';
import { disguiseOf, type Disguise } from '../disguise.ts';
import { Load } from '../load.ts';
import { Lru } from '../lru.ts';
import { commandSigns, nameSign, poolName, poolPorts, proxyPorts, stratumSign, trafficSigns, type Sign } from '../mining.ts';
import { isSuspiciousPath } from '../places.ts';
import { processKey, programKey, programOf, short } from '../process.ts';
import { baseName, isInterpreter, scriptOf } from '../program-kind.ts';
import { isTrusted, programProvenance, type Provenance } from '../provenance.ts';
import { list, number } from '../settings.ts';
import { treeKey } from '../tree.ts';
import { judge, isStrong, type Piece, type PieceKind } from './evidence.ts';

export const miner: Behaviour = {
  id: 'miner',
  title: { zh: '挖矿程序', en: 'Cryptominer' },
  means: { zh: '程序在用这台机器挖矿：费钱、拖慢业务，也说明有人能在这里运行程序', en: 'A program mines on this machine: it costs money, slows the service and shows that somebody can run programs here' },
  advice: { zh: '不要只杀进程：打开所属事件，按清理计划连同它的启动项一起处理，并堵住进来的路。', en: 'Do not only kill it: open its incident, follow the clean-up plan with all that starts it, and close the way it came in.' },
  blind: {
    zh: '看不到加密流量中的矿池协议：走 TLS 且矿池域名不显眼时，只凭负载、来源与连接判断。没有内核探针时看不到流量、域名查询与文件写入；没有软件包索引时，来历只凭所在目录判断。起名为常见计算程序、装在普通目录、又走陌生加密连接的矿工不报。GPU 负载看不到。',
    en: 'Mining protocol inside TLS is not seen: with an unremarkable pool name only load, provenance and connection tell. Without the kernel sensor there is no traffic, no DNS and no writing of files; without the package index a program is judged by its folder alone. A miner named like a common computing program, in an ordinary folder, over an unknown encrypted connection is not told. GPU load is not seen.',
  },
  kinds: ['metric', 'process_creation', 'network_connection', 'listener', 'dns_query', 'flow', 'file_event', 'module'],
  settings: {
    allow: { default: [], text: { zh: '允许挖矿的程序（路径或以 / 结尾的目录）', en: 'programs that may mine: paths, or folders ending in /' } },
    steadyMinutes: { default: 20, min: 0.1, max: 1440, text: { zh: '低负载须平稳多少分钟才算证据', en: 'minutes that a low load must be steady to count' } },
    steadyPercent: { default: 15, min: 1, max: 100_000, text: { zh: '平稳负载不低于（单核百分比）', en: 'least steady load in percent of one core' } },
    busyMinutes: { default: 3, min: 0.1, max: 1440, text: { zh: '高负载须持续多少分钟才算证据', en: 'minutes that a high load must last to count' } },
    lonelyMinutes: { default: 10, min: 0.1, max: 1440, text: { zh: '唯一的外连须保持多少分钟才算证据', en: 'minutes that the only connection must last to count' } },
  },
  open,
};

/** All that is known of one program. */
interface Suspect {
  key: string;
  program: string;
  pieces: Map<PieceKind, Piece>;
  events: Event[];
  load: Load;
  alone: Load;
  peers: Map<string, { first: number; count: number }>;
  morePeers: boolean;
  serves: boolean;
  /** Last time it read or wrote files in bulk. */
  moved: number;
  provenance: Provenance;
  judged: number;
  /** Of which process, and after how many of all changes. */
  judgedPid: number | undefined;
  judgedChanges: number;
  told: Level | undefined;
  toldKinds: number;
  toldAt: number;
}

const most = 3000, mostProcesses = 12_000, mostTrees = 1500, mostPeers = 8, mostEvents = 6;
const floor = 15, againMs = 6 * 3_600_000, keepMs = 24 * 3_600_000;
/** Something may be on the command line: the rest is not taken apart. */
const hint = /\+(?:tcp|ssl|tls)|:\d{2,5}(?:[\s/"']|$)|--(?:donate|cpu-|randomx|rig-id|nicehash|no-huge|huge|algo|coin|max-cpu|wallet)|(?:^| )-a |[0-9A-Za-z]{26}/;
/** Text tools that only look at what a miner has on its command line. */
const lookers = new Set(['grep', 'egrep', 'fgrep', 'zgrep', 'rg', 'ag', 'sed', 'awk', 'gawk', 'mawk', 'vim', 'vim.basic', 'vim.tiny', 'vi', 'nano', 'less', 'more', 'cat', 'tail', 'head', 'man', 'ps', 'pgrep', 'pkill', 'killall', 'dig', 'host', 'nslookup', 'whois', 'ping', 'iptables', 'xtables-nft-multi', 'nft', 'ufw', 'git', 'find', 'logger', 'echo', 'printf', 'tee', 'curl', 'wget', 'openssl', 'journalctl', 'sudo', 'ssh', 'jq', 'diff']);
const shells = /^(?:ba|da|z|k|a)?sh$|^busybox$|^su$|^nohup$|^env$|^setsid$|^timeout$|^nice$/;
/** Programs that keep all cores busy for hours and are meant to. */
const workers = /^(?:ffmpeg|ffprobe|x26[45]|svt\w{0,12}|HandBrakeCLI|handbrake\S{0,6}|gst-launch\S{0,6}|obs\S{0,10}|avconv|mencoder|gcc|g\+\+|cc1(?:plus)?|c\+\+|clang\S{0,6}|ld(?:\.\w{1,6})?|lld|mold|rustc|cargo|go|compile|link|make|ninja|cmake|bazel|java\w{0,6}|zstd\w{0,4}|xz|7zz?[ar]?|pigz|bzip2|pbzip2|gzip|brotli|rar|llama\S{0,20}|ollama\S{0,10}|vllm|whisper\S{0,12}|stable-diffusion\S{0,6}|boinc\S{0,12}|fah\S{0,14}|FahCore\S{0,8}|stress(?:-ng)?|sysbench|fio|blender|mysqld|mariadbd|postgres|mongod|clickhouse\S{0,12}|redis-server|elasticsearch|opensearch|influxd|prometheus|etcd|kafka|node|python\S{0,6}|ruby|php\S{0,8}|R|julia|octave|matlab|gromacs|gmx\S{0,8}|lmp\S{0,12}|namd\S{0,8}|mpirun|mprime|primesieve|hashcat|qemu\S{0,20}|kvm|firecracker|VBoxHeadless|dockerd|containerd|kubelet|k3s|chrome\S{0,16}|headless_shell|esbuild|webpack|swc|tsc|terser|pandoc|convert|magick|mogrify|imgproxy|libvips|rsync|borg|restic|rclone|duplicity|clamd|clamscan|freshclam)$/;
const managed = new Set(['3306', '5432', '6379', '27017', '9092', '5672', '9200', '11211', '2379', '1433', '1521', '9000', '7077', '6066', '4369', '1935', '554', '53']);
const downloaders = new Set(['curl', 'wget', 'wget2', 'aria2c', 'fetch', 'scp', 'sftp', 'tftp', 'ftp', 'lwp-download', 'nc', 'ncat', 'socat', 'base64', 'xxd', 'openssl']);
const tunables = ['/proc/sys/vm/nr_hugepages', '/proc/sys/vm/nr_overcommit_hugepages', '/sys/kernel/mm/hugepages/', '/sys/devices/system/node/', '/dev/cpu/', '/sys/module/msr/'];
const configs = new Set(['xmrig.json', '.xmrig.json', 'config_background.json', 'pools.txt', 'cpu.txt', 'nvidia.txt', 'amd.txt', 'xmrig.log', 'xmrig-cuda.json', 'miner.conf', 'miner.json', 'cpuminer.conf', 'cpuminer-conf.json', 'xmr.conf', 'pool.conf', 'wallet.conf']);
/** Hidden folders where developers' programs live. */
const toolFolders = /\/\.(?:nvm|local|cargo|rustup|cache|venv|pyenv|rbenv|asdf|sdkman|npm|npm-global|yarn|pnpm|bun|deno|vscode-server|vscode|cursor-server|volta|gradle|m2|dotnet|conda|linuxbrew|fly|kube|pulumi|bin|tox|nox|terraform|mozbuild|ghcup|cabal|opam|stack|nix-profile|build|jenkins|wine|steam)\/|\/go-build\d|\/\.mount_|\/_MEI|\/snap\//;

function stratumOf(payload: string): Sign[] {
  const sign = stratumSign(payload);
  return sign === undefined ? [] : [sign];
}

function open(context: BehaviourContext): BehaviourRun {
  const allow = list(context, 'allow');
  const steadyMs = number(context, 'steadyMinutes') * 60_000, busyMs = number(context, 'busyMinutes') * 60_000, lonelyMs = number(context, 'lonelyMinutes') * 60_000;
  const steadyPercent = number(context, 'steadyPercent');
  const judgeEveryMs = Math.min(30_000, busyMs, steadyMs);
  const suspects = new Lru<Suspect>(most, () => { context.count('programs forgotten'); });
  const processes = new Lru<Suspect>(mostProcesses, () => { context.count('processes forgotten'); });
  /** What was done in a tree beside the miner: by its shells and helpers. */
  const trees = new Lru<Map<PieceKind, Piece>>(mostTrees, () => { context.count('trees forgotten'); });
  let interval = 5000, beat = 0;
  /** Pieces and far ends that have come up, of all programs and trees: while it stands still, only time can change a verdict. */
  let changes = 0;
  /** What the machine did (percent of all cores), and what its processes did together in this sample and the one before. */
  let whole = 0, total = 0, totalBefore = 0, totalAt = 0;

  const isPool = (host: string): boolean => context.intelligence.domain(host)?.what === 'miner';
  const isAllowed = (path: string | undefined): boolean => path !== undefined && allow.some((one) => (one.endsWith('/') ? path.startsWith(one) : path === one));

  function known(event: Event): Suspect | undefined {
    return event.pid === undefined ? undefined : processes.get(processKey(event)) ?? suspects.get(programKey(event));
  }

  function take(event: Event): Suspect {
    const bound = event.pid === undefined ? undefined : processes.get(processKey(event));
    if (bound !== undefined) return bound;
    const key = programKey(event);
    const suspect = suspects.take(key, () => ({
      key: own(key), program: own(programOf(event)), pieces: new Map(), events: [], load: new Load(), alone: new Load(), peers: new Map(), morePeers: false, serves: false, moved: Number.NEGATIVE_INFINITY,
      provenance: programProvenance(context, event), judged: 0, judgedPid: undefined, judgedChanges: 0, told: undefined, toldKinds: 0, toldAt: 0,
    }));
    if (event.pid !== undefined) processes.set(processKey(event), suspect);
    return suspect;
  }

  /** A program of the distribution that does what its name says: not looked at for what many programs do. */
  const isPlain = (event: Event): boolean => isTrusted(programProvenance(context, event)) && !isInterpreter(event.process_path);

  function note(pieces: Map<PieceKind, Piece>, kind: PieceKind, weight: number, what: string, time: number): boolean {
    const before = pieces.get(kind);
    if (before !== undefined && before.weight > weight) { before.time = time; return false; }
    pieces.set(kind, { kind, weight, what: own(short(what, 160)), time });
    const isNew = before === undefined || before.weight < weight;
    if (isNew) changes++;
    return isNew;
  }

  function add(event: Event, kind: PieceKind, weight: number, what: string): Suspect {
    const suspect = take(event);
    if (note(suspect.pieces, kind, weight, what, event.time) && isStrong(kind)) {
      suspect.events.push(event);
      if (suspect.events.length > mostEvents) suspect.events.splice(1, 1);
    }
    return suspect;
  }

  function addToTree(event: Event, kind: PieceKind, weight: number, what: string): void {
    const key = treeKey(context.lineage.of(event));
    if (key !== undefined) note(trees.take(key, () => new Map()), kind, weight, what, event.time);
  }

  function onProgram(event: Event): void {
    if (event.pid !== undefined && event.action !== 'process-seen') processes.delete(processKey(event));
    const path = event.process_path, cmdline = event.process_cmdline;
    const plain = isPlain(event);
    const base = path === undefined ? event.process_name ?? '' : baseName(path);
    if (cmdline !== undefined && !(lookers.has(base) && isTrusted(programProvenance(context, event))) && hint.test(cmdline.slice(0, 4096))) {
      const isShell = shells.test(base);
      for (const sign of commandSigns(cmdline, isPool)) {
        if (isShell) addToTree(event, sign.kind, sign.weight, sign.what);
        // Package's own programs have wallets and servers on their command lines for good reasons; a miner's options they do not have.
        else if (!plain || sign.kind === 'options' || (sign.kind === 'pool' && sign.weight >= 70)) add(event, sign.kind, sign.weight, sign.what);
      }
    }
    if (base === 'modprobe' && cmdline !== undefined && /\smsr(?:\s|$)/.test(cmdline)) addToTree(event, 'msr', 30, 'modprobe msr');
    if (base === 'wrmsr') addToTree(event, 'msr', 35, short(cmdline ?? base, 60));
    if (base === 'sysctl' && cmdline !== undefined && cmdline.includes('vm.nr_hugepages=')) addToTree(event, 'pages', 25, short(cmdline, 60));
    const name = plain ? undefined : nameSign(path);
    if (name !== undefined) add(event, 'name', name.weight, name.what);
    onName(event);
    const suspect = known(event);
    if (suspect !== undefined) consider(suspect, event);
  }

  function onName(event: Event): void {
    const posed = disguiseOf(event.process_path, event.process_name, event.process_cmdline, isTrusted(programProvenance(context, event)));
    if (posed !== undefined && !toolFolders.test(event.process_path ?? '')) add(event, 'disguise', disguiseWeight(posed), posed.what);
  }

  function onConnection(event: Event): void {
    if (event.direction === 'inbound') { if (!isPlain(event)) take(event).serves = true; return; }
    const ip = event.destination_ip, port = event.destination_port;
    if (ip === undefined || port === undefined) return;
    const listed = context.intelligence.address(ip);
    const plain = isPlain(event);
    if (listed?.what === 'miner' && !plain) add(event, 'listed', 80, `${ip} (${listed.list})`);
    if (plain && known(event) === undefined) return;
    const suspect = take(event);
    if (port !== 53) {
      const peer = `${ip}:${port}`;
      const seen = suspect.peers.get(peer);
      if (seen) seen.count++;
      else if (suspect.peers.size < mostPeers) { suspect.peers.set(own(peer), { first: event.time, count: 1 }); changes++; }
      else suspect.morePeers = true;
    }
    if (!plain && !isLocal(ip) && poolPorts.has(port)) note(suspect.pieces, 'port', 12, `${ip}:${port}`, event.time);
    if (!plain && isLoopback(ip) && proxyPorts.has(port)) note(suspect.pieces, 'proxy', 20, `${ip}:${port}`, event.time);
    const pool = event.destination_host === undefined || plain ? undefined : poolName(event.destination_host, isPool);
    if (pool !== undefined && pool.weight >= 35) add(event, 'pool', pool.weight, `${pool.what}:${port}`);
    // One that connects all the time is not judged anew for nothing.
    if (suspect.judgedChanges !== changes || suspect.judgedPid !== event.pid || event.time - suspect.judged >= 1000) consider(suspect, event);
  }

  function onFlow(event: Event): void {
    const { payload } = event;
    if (payload === undefined || payload.length < 8) return;
    const plain = isPlain(event);
    let suspect: Suspect | undefined;
    for (const sign of plain ? stratumOf(payload) : trafficSigns(payload, isPool)) {
      const inbound = event.direction === 'inbound';
      const weight = sign.kind === 'pool' && sign.weight >= 60 ? 75 : sign.weight;
      suspect = add(event, sign.kind, inbound && sign.kind === 'stratum' ? Math.min(weight, 80) : weight, sign.what);
    }
    if (suspect !== undefined) consider(suspect, event);
  }

  function onAsked(event: Event): void {
    const name = event.destination_host;
    if (name === undefined || isPlain(event)) return;
    const pool = poolName(name, isPool);
    if (pool !== undefined && pool.weight >= 35) consider(add(event, 'asked', Math.min(pool.weight, 60), pool.what), event);
    const onion = name.endsWith('.onion') ? take(event) : undefined;
    if (onion !== undefined) note(onion.pieces, 'proxy', 25, name, event.time);
  }

  function onFile(event: Event): void {
    const path = event.file_path;
    if (path === undefined || (event.action !== 'write' && event.action !== 'create' && event.action !== 'rename')) return;
    const first = path.charCodeAt(1);
    // /proc, /sys, /dev
    if ((first === 112 || first === 115 || first === 100) && tunables.some((prefix) => path.startsWith(prefix))) {
      const isPages = path.includes('hugepages');
      if (!isPages && !path.includes('msr')) return;
      const kind = isPages ? 'pages' : 'msr';
      if (isPlain(event) || isInterpreter(event.process_path)) addToTree(event, kind, isPages ? 25 : 35, path);
      else consider(add(event, kind, isPages ? 35 : 50, path), event);
      return;
    }
    if (!path.endsWith('.json') && !path.endsWith('.txt') && !path.endsWith('.conf') && !path.endsWith('.log')) return;
    if (configs.has(path.slice(path.lastIndexOf('/') + 1))) addToTree(event, 'config', 20, path);
  }

  function onMetric(event: Event): void {
    const { metric, value } = event;
    if (value === undefined || !(value >= 0 && value < 1e9)) return;
    if (metric === 'host-cpu') {
      const since = event.time - beat;
      if (since > 0 && since < 60_000) interval = since;
      beat = event.time;
      whole = value;
      return;
    }
    if (metric === 'process-write' || metric === 'process-read') { const suspect = known(event); if (suspect !== undefined && value > 2e6) suspect.moved = event.time; return; }
    if (metric !== 'process-cpu') return;
    if (event.time !== totalAt) { totalBefore = total; total = 0; totalAt = event.time; }
    total += value;
    let suspect = known(event);
    if (suspect === undefined) { if (value < floor || isPlain(event)) return; suspect = take(event); }
    // A name that a process gave itself while it ran.
    if (event.process_name !== undefined && event.process_name.startsWith('k') && event.process_path !== undefined) onName(event);
    const gap = Math.max(interval * 2.4, 30_000);
    const { sum, time } = suspect.load;
    if (!suspect.load.add(event.time, value, floor, gap)) return;
    suspect.alone.add(time, whole >= 80 && sum >= 0.8 * totalBefore ? sum : 0, floor, gap);
    if (event.time - suspect.judged < judgeEveryMs) return;
    const spell = suspect.load.spell, alone = suspect.alone.spell;
    const lasted = spell.last - spell.since;
    const told = (ms: number, percent: number): string => `${percent.toFixed(0)}%, ${(ms / 60_000).toFixed(0)} min`;
    if (spell.mean >= 80 && lasted >= busyMs) note(suspect.pieces, 'cpu', 20, told(lasted, spell.mean), event.time);
    if (alone.samples > 1 && alone.last - alone.since >= busyMs && event.time - alone.last < gap * 2) note(suspect.pieces, 'all', 15, told(alone.last - alone.since, alone.mean), event.time);
    if (spell.mean >= steadyPercent && lasted >= steadyMs && spell.variation <= 0.3) note(suspect.pieces, 'steady', 25, told(lasted, spell.mean), event.time);
    consider(suspect, event);
  }

  /** Facts that do not change are looked up only for what may be judged. */
  function standing(suspect: Suspect, event: Event, node: ProcessNode | undefined, pieces: Map<PieceKind, Piece>): void {
    const path = suspect.program, { provenance } = suspect;
    const tell = (kind: PieceKind, weight: number, what = ''): void => { pieces.set(kind, { kind, weight, what, time: event.time }); };
    if (provenance === 'unowned' && !isInterpreter(path)) tell('unowned', 15);
    else if (provenance === 'unknown' && event.container_id === undefined && path.startsWith('/') && !isInterpreter(path)) tell('unowned', 8);
    else if (provenance === 'changed') tell('changed', 30);
    const placed = isInterpreter(path) ? scriptOf(path, event.process_cmdline, event.process_cwd) : path;
    if (path.startsWith('/memfd:')) tell('memory', 30);
    else if (isSuspiciousPath(placed) && !toolFolders.test(placed ?? '')) tell(placed?.endsWith(' (deleted)') === true ? 'deleted' : 'place', 20);
    const origin = node?.origin;
    const isBelowService = origin !== undefined && (origin.kind === 'web' || origin.kind === 'package' || (origin.kind === 'service' && databases.test(origin.name ?? '')));
    if (isBelowService && !isTrusted(provenance)) tell('origin', 20);
    const writer = node?.writtenBy?.process;
    const by = writer?.path === undefined ? writer?.name : baseName(writer.path);
    if (by !== undefined && downloaders.has(by)) tell('downloaded', 15, by);
    const lone = lonely(suspect, event.time);
    if (lone !== undefined) tell('lone', 30, lone);
  }

  function lonely(suspect: Suspect, now: number): string | undefined {
    if (suspect.morePeers || suspect.serves || now - suspect.moved < 600_000) return undefined;
    // A miner knows one pool, and one more to fall back on.
    const far = [...suspect.peers].filter(([peer]) => !isLoopback(peer) || proxyPorts.has(Number(peer.slice(peer.lastIndexOf(':') + 1))));
    if (far.length === 0 || far.length > 2) return undefined;
    for (const [peer, { first, count }] of far) {
      if (managed.has(peer.slice(peer.lastIndexOf(':') + 1))) return undefined;
      if (now - first >= lonelyMs && count <= 3 + (now - first) / 300_000 && !isPrivate(peer)) return peer;
    }
    return undefined;
  }

  function consider(suspect: Suspect, event: Event): void {
    suspect.judged = event.time;
    suspect.judgedPid = event.pid;
    suspect.judgedChanges = changes;
    if (isAllowed(suspect.program) || isAllowed(event.process_path)) return;
    const pieces = new Map<PieceKind, Piece>();
    for (const [kind, piece] of suspect.pieces) {
      if (event.time - piece.time < keepMs) pieces.set(kind, piece);
      else suspect.pieces.delete(kind);
    }
    if (pieces.size === 0 && suspect.peers.size === 0) return;
    const node = context.lineage.of(event);
    standing(suspect, event, node, pieces);
    const isOut = pieces.has('place') || pieces.has('memory') || pieces.has('deleted') || pieces.has('changed');
    const isHonest = isTrusted(suspect.provenance) && !isInterpreter(suspect.program) || suspect.serves || (!isOut && (workers.test(baseName(suspect.program)) || (isInterpreter(suspect.program) && !pieces.has('origin'))));
    const key = isHonest ? undefined : treeKey(node);
    const beside = key === undefined ? undefined : trees.get(key);
    if (beside !== undefined) {
      for (const [kind, piece] of beside) if (event.time - piece.time < keepMs && (pieces.get(kind)?.weight ?? 0) < piece.weight) pieces.set(kind, piece);
    }
    const verdict = judge([...pieces.values()], isHonest);
    if (verdict === undefined) return;
    const kinds = verdict.pieces.filter(({ kind }) => isStrong(kind)).length;
    const isWorse = suspect.told === undefined || !atLeast(suspect.told, verdict.level) || kinds > suspect.toldKinds;
    if (!isWorse && event.time - suspect.toldAt < againMs) return;
    suspect.told = verdict.level;
    suspect.toldKinds = kinds;
    suspect.toldAt = event.time;
    const isSure = verdict.level === 'critical';
    context.emit({
      ruleId: 'behaviour.miner', title: miner.title, level: verdict.level,
      summary: {
        zh: `{program}（PID {pid_}）${isSure ? '是' : '疑似'}挖矿程序，证据 {score} 分：${verdict.text.zh}。命令：{command}`,
        en: `{program} (pid {pid_}) ${isSure ? 'is' : 'looks like'} a cryptominer, evidence {score} of 100: ${verdict.text.en}. Command: {command}`,
      },
      attack: pieces.has('disguise') ? ['T1496.001', 'T1036.005'] : ['T1496.001'], matrix: ['植入后门'], key: suspect.key, time: event.time,
      events: [...suspect.events.filter((one) => one !== event), event], count: 1,
      group: { program: suspect.program, pid_: String(event.pid ?? '?'), command: short(event.process_cmdline ?? event.process_name ?? ''), score: String(verdict.score), ...verdict.group },
    });
  }

  return {
    observe(event) {
      switch (event.kind) {
        case 'process_creation': onProgram(event); break;
        case 'network_connection': onConnection(event); break;
        case 'listener': if (event.destination_ip !== '127.0.0.1' && !isPlain(event)) take(event).serves = true; break;
        case 'dns_query': onAsked(event); break;
        case 'flow': onFlow(event); break;
        case 'file_event': onFile(event); break;
        case 'module': if (event.extra?.['name'] === 'msr') addToTree(event, 'msr', 30, 'msr'); break;
        case 'metric': onMetric(event); break;
        default: break;
      }
    },
    size: () => suspects.size + processes.size + trees.size,
  };
}

const databases = /^(?:mysql|mariadb|postgres|redis|valkey|mongo|memcached|elasticsearch|clickhouse|keydb|etcd)/;

function disguiseWeight({ as }: Disguise): number {
  switch (as) {
    case 'kernel': return 50;
    case 'service': return 40;
    case 'title': return 35;
    case 'alike': return 25;
  }
}

const isLoopback = (ip: string): boolean => ip.startsWith('127.') || ip.startsWith('::1') || ip.startsWith('localhost');
const isPrivate = (ip: string): boolean => /^(?:10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|f[cd]|fe80)/.test(ip);
const isLocal = (ip: string): boolean => isLoopback(ip) || isPrivate(ip);
