/** How an image is run and how it was made: as its configuration tells, before anything of it runs. */
import { atLeast, type Level } from '../../core/level.ts';
import type { Finding, FindingKind } from '../../core/finding.ts';
import { maskSecrets } from '../../core/secrets.ts';
import type { Text } from '../../core/text.ts';
import type { ImageConfig, ImageFacts } from '../../linux/image/facts.ts';
import { judgeCommand, judgeWords, variableReasons, type Judgement, type Reason } from '../command.ts';
import { fact, finding } from '../finding.ts';
import type { PlaceCheck, ScanContext } from '../port.ts';
import { baseName, type Words } from '../shell-words.ts';
import { firstOf } from '../look.ts';

const id = 'image-config';
const historyMax = 300;

export const imageConfig: PlaceCheck = {
  id,
  title: { zh: '镜像配置', en: 'image configuration' },
  blind: { zh: '构建历史可以写成任何样子；运行时的参数（特权、挂载）不在镜像里', en: 'the history of how it was built may say anything; how it is run (privileges, mounts) does not stand in the image' },
  group: 'services',
  scope: 'tree',
  everyMinutes: 0,
  async *run(context) {
    const { image } = context;
    if (!image) return;
    yield* oddEntries(image);
    const { config } = image;
    if (!config) return;
    yield* userOf(config);
    yield* environmentOf(config, context);
    yield* startsOf(config, context);
    yield* historyOf(config, context);
    yield* portsOf(config);
  },
};

function* oddEntries({ odd }: ImageFacts): Iterable<Finding> {
  const upwards = odd.filter(({ what }) => what === 'leads upwards');
  if (upwards.length > 0) {
    yield finding(id, 'upwards', {
      kind: 'intrusion', level: 'high', path: `/${upwards[0]!.name.replace(/^[./]+/, '')}`,
      title: { zh: '镜像里的文件名指向镜像之外', en: 'names in the image lead out of it' },
      evidence: upwards.map(({ layer, name }) => fact({ zh: `层 ${layer}`, en: `layer ${layer}` }, name)),
      means: { zh: '正常的构建工具不会写出 ../ 开头的名字。这种层是用来在解包时覆盖宿主机文件的。', en: 'No build tool writes names that begin with ../: such a layer is made to overwrite files of the host when it is unpacked.' },
      fix: { text: { zh: '不要载入或运行这个镜像，查清它从哪里来。', en: 'Do not load or run this image; find out where it came from.' }, commands: [] },
      refs: ['attack:T1204.003', 'attack:T1611'],
    });
  }
  const rest = odd.filter(({ what }) => what !== 'leads upwards');
  if (rest.length > 0) {
    yield finding(id, 'odd-entries', {
      kind: 'notice', level: 'low',
      title: { zh: `镜像里有 ${rest.length} 个不正常的条目`, en: `${rest.length} entries of the image are odd` },
      evidence: rest.map(({ layer, name, what }) => fact({ zh: `层 ${layer}`, en: `layer ${layer}` }, `${name}: ${what}`)),
      refs: ['attack:T1204.003'],
    });
  }
}

function* userOf({ user }: ImageConfig): Iterable<Finding> {
  const name = user.split(':')[0]!;
  if (name !== '' && name !== 'root' && !/^0+$/.test(name)) return;
  yield finding(id, 'root', {
    kind: 'weakness', level: 'low', user: 'root',
    title: { zh: '容器以 root 运行', en: 'the container runs as root' },
    evidence: [fact({ zh: '用户', en: 'user' }, user || '(root)')],
    means: { zh: '程序一旦被攻破，攻击者在容器里就是 root，逃逸到宿主机更容易。', en: 'Whoever breaks the program is root in the container, one step nearer to the host.' },
    fix: { text: { zh: '在 Dockerfile 里用 USER 换成普通账号。', en: 'Name an ordinary account with USER in the Dockerfile.' }, commands: [] },
    refs: ['attack:T1611'],
  });
}

async function* environmentOf({ environment }: ImageConfig, context: ScanContext): AsyncIterable<Finding> {
  const masked = environment.flatMap((line) => secretIn(line) ?? []);
  if (masked.length > 0) yield secretFinding('env', { zh: '镜像的环境变量里写着密码或密钥', en: 'passwords or keys stand in the environment of the image' }, masked);
  for (const line of environment) {
    const equals = line.indexOf('=');
    if (equals <= 0) continue;
    const name = line.slice(0, equals);
    yield* told(`env:${name}`, { zh: `镜像的环境变量 ${name}`, en: `environment variable ${name} of the image` }, await variableReasons(name, line.slice(equals + 1), context), line);
    if (/\bstratum\d?(?:\+\w{2,4})?:\/\//.test(line)) {
      yield finding(id, `pool:${name}`, {
        kind: 'intrusion', level: 'high', title: { zh: '镜像的环境变量指向矿池', en: 'the environment of the image names a mining pool' },
        evidence: [fact({ zh: '环境变量', en: 'variable' }, maskSecrets(line))], fix: doNotRun, refs: ['attack:T1496.001'],
      });
    }
  }
}

/** The line with its secret masked; undefined for none, and for values that only say where a secret is or whether there is one. */
function secretIn(line: string): string | undefined {
  const found = new Set<string>();
  const masked = maskSecrets(line, found);
  const real = [...found].some((value) => value.length >= 4 && !/^(?:\/|\$|true$|false$|yes$|none$|null$|change.?me|<|x+$|\*+$)/i.test(value));
  return real ? masked : undefined;
}

const secretFinding = (key: string, title: Text, lines: readonly string[]): Finding => finding(id, key, {
  kind: 'weakness', level: 'medium', title, evidence: lines.map((line) => fact({ zh: '配置', en: 'configuration' }, line)),
  means: { zh: '谁拿到镜像，谁就拿到它；docker history 和 docker inspect 都会显示。', en: 'Whoever gets the image gets them: docker history and docker inspect show them.' },
  fix: { text: { zh: '换掉这些密码和密钥，运行时再用 secret 或环境文件传入。', en: 'Change these passwords and keys; hand them in at run time as secrets.' }, commands: [] },
  refs: ['attack:T1552.001', 'attack:T1552.007'],
});

/** What runs by itself: at the start, at each health check, when others build on it. */
async function* startsOf(config: ImageConfig, context: ScanContext): AsyncIterable<Finding> {
  const how = { user: config.user.split(':')[0] || 'root', ...pathOf(config) };
  const start = [...config.entrypoint, ...config.command];
  if (start.length > 0) {
    const judged = await judgeStart(start, context, how);
    const line = start.join(' ');
    const tunnel = [...new Set(start.flatMap((word) => word.split(/[\s;|&]+/)).map(baseName))].find((name) => tunnels.has(name));
    const connects = tunnel !== undefined || /\bssh\b[^\n]{0,200}\s-[A-Za-z]{0,8}R\s*\S*\d+:/.test(line);
    // The rules have a word of their own for tunnels, a lesser one: at the start of a container it is more.
    yield* told('start', { zh: '容器启动时运行的命令', en: 'what the container starts' }, connects ? judged.reasons.filter(({ level }) => atLeast(level, 'medium')) : judged.reasons, line);
    if (connects) {
      yield finding(id, 'tunnel', {
        kind: 'notice', level: 'medium', title: { zh: `容器一启动就连到外面，让外面的人进来：${tunnel ?? 'ssh -R'}`, en: `the container connects out at its start and lets others in: ${tunnel ?? 'ssh -R'}` },
        evidence: [fact({ zh: '启动命令', en: 'start' }, maskSecrets(line))],
        means: { zh: '这是内网穿透或网页终端工具。不是自己部署的，就是后门。', en: 'This is a tunnel or a terminal for the web. If you did not set it up, it is a back door.' },
        refs: ['attack:T1572', 'attack:T1133'],
      });
    }
  }
  const [mode, ...test] = config.healthCheck;
  if (test.length > 0 && mode !== 'NONE') yield* told('health', { zh: '镜像的健康检查命令', en: 'the health check of the image' }, (mode === 'CMD-SHELL' ? await judgeCommand(test.join(' '), context, how) : await judgeWords(test, context, how)).reasons, test.join(' '));
  for (const [i, step] of config.onBuild.entries()) {
    const command = /^RUN\s+(.*)$/s.exec(step)?.[1];
    if (command !== undefined) yield* told(`onbuild:${i}`, { zh: '别人基于它构建时运行的命令', en: 'what runs when others build on it' }, buildReasons(await judgeCommand(command, context)), command);
  }
}

/** A start in shell form is `/bin/sh -c LINE`, which the judge reads by itself. */
async function judgeStart(words: Words, context: ScanContext, how: Parameters<typeof judgeWords>[2]): Promise<Judgement> {
  const judged = await judgeWords(words, context, how);
  const program = words[0]!;
  const path = program.includes('/') ? program : `/${program}`;
  const byName = context.rules(words.join(' '), path).map(({ level, title, attack, id: rule }): Reason => ({ level, text: title, attack, rule, evidence: fact({ zh: '程序', en: 'program' }, program) }));
  return { ...judged, reasons: [...byName, ...judged.reasons] };
}

const tunnels = new Set(['frpc', 'ngrok', 'chisel', 'gost', 'npc', 'nps', 'cloudflared', 'bore', 'rathole', 'zrok', 'gsocket', 'gs-netcat', 'tmate', 'sshx', 'upterm', 'iox', 'ew', 'pystinger', 'stowaway', 'ligolo-agent', 'ttyd', 'gotty', 'wetty', 'shellinaboxd', 'gs-mini']);

function pathOf({ environment }: ImageConfig): { path?: readonly string[] } {
  const line = environment.find((one) => one.startsWith('PATH='));
  return line === undefined ? {} : { path: line.slice(5).split(':').filter((folder) => folder.startsWith('/')).slice(0, 30) };
}

async function* historyOf({ history }: ImageConfig, context: ScanContext): AsyncIterable<Finding> {
  const secrets: string[] = [];
  for (const [i, { command, created }] of firstOf(context, context.tree.name, history, historyMax).entries()) {
    const line = runOf(command);
    if (line === undefined) continue;
    const masked = secretIn(command);
    if (masked !== undefined) secrets.push(masked);
    const time = created === undefined ? Number.NaN : Date.parse(created);
    yield* told(`history:${i}`, { zh: `构建第 ${i + 1} 步的命令`, en: `step ${i + 1} of how the image was built` }, buildReasons(await judgeCommand(line, context)), line, Number.isNaN(time) ? undefined : time);
  }
  if (secrets.length > 0) yield secretFinding('history-secret', { zh: '镜像的构建历史里写着密码或密钥', en: 'passwords or keys stand in the history of how the image was built' }, secrets);
}

/** `/bin/sh -c apt-get …`, `RUN /bin/sh -c … # buildkit`, `|2 A=b C=d /bin/sh -c …`; undefined for steps that run nothing. */
function runOf(step: string): string | undefined {
  const shell = /(?:^|\s)\/bin\/(?:ba|da)?sh (?:-[a-z]{1,20} ){1,6}/.exec(step);
  if (!shell) return /^RUN\s+(.*)$/s.exec(step)?.[1];
  const line = step.slice(shell.index + shell[0].length).replace(/\s*# buildkit$/, '');
  return line.startsWith('#(nop)') ? undefined : line;
}

/**
 * While it is built an image is a place of work: scripts of other sites are run, programs lie in /tmp, files are gone afterwards. Only what
 * the commands themselves say counts, and a step less than at run time.
 */
function buildReasons({ reasons }: Judgement): Reason[] {
  return reasons.filter(({ sign, level }) => sign === undefined && atLeast(level, 'medium')).map((reason) => (reason.level === 'medium' ? { ...reason, level: 'low', kind: 'weakness' } : { ...reason, level: reason.level === 'critical' ? 'high' : 'medium' }));
}

const doNotRun = { text: { zh: '不要运行这个镜像，查清它从哪里来；已在运行的容器先隔离。', en: 'Do not run this image; find out where it came from. Isolate containers that run it already.' }, commands: [] };

function* told(key: string, what: Text, reasons: readonly Reason[], line: string, time?: number): Iterable<Finding> {
  const worst = reasons.reduce<Reason | undefined>((most, one) => (most && atLeast(most.level, one.level) ? most : one), undefined);
  if (!worst) return;
  const kind: FindingKind = worst.kind ?? 'intrusion';
  const level: Level = worst.level;
  yield finding(id, key, {
    kind, level, title: { zh: `${what.zh}：${worst.text.zh}`, en: `${what.en}: ${worst.text.en}` },
    evidence: [fact(what, maskSecrets(line)), ...reasons.map(({ text, evidence }) => fact({ zh: `${text.zh}（${evidence.what.zh}）`, en: `${text.en} (${evidence.what.en})` }, maskSecrets(evidence.value)))],
    ...(kind === 'intrusion' && { fix: doNotRun }), refs: [...new Set(reasons.flatMap(({ attack }) => attack))].map((technique) => `attack:${technique}`), ...(time !== undefined && { time }),
  });
}

const adminPorts: Readonly<Record<string, Text>> = {
  '22': { zh: 'SSH', en: 'SSH' }, '23': { zh: 'Telnet', en: 'Telnet' }, '2375': { zh: 'Docker API，无加密', en: 'the Docker API, not encrypted' }, '5900': { zh: 'VNC', en: 'VNC' }, '3389': { zh: '远程桌面', en: 'remote desktop' },
};

function* portsOf({ ports }: ImageConfig): Iterable<Finding> {
  const open = ports.flatMap((port) => { const name = adminPorts[port.split('/')[0]!]; return name ? [{ port, name }] : []; });
  if (open.length === 0) return;
  yield finding(id, 'ports', {
    kind: 'weakness', level: 'low', title: { zh: '镜像开放远程管理端口', en: 'the image offers ports of remote administration' },
    evidence: open.map(({ port, name }) => fact(name, port)),
    means: { zh: '容器用 docker exec 管理，不需要再开一个登录入口。', en: 'Containers are administered with docker exec: another door to log on by is not needed.' }, refs: ['attack:T1133'],
  });
}
