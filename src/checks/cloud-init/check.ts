/** What a cloud has a machine run: cloud-init at boot, the cloud's assistants on request of its console. */
import { gunzipSync } from 'node:zlib';
import type { Finding, FindingKind } from '../../core/finding.ts';
import { atLeast, type Level } from '../../core/level.ts';
import { maskSecrets } from '../../core/secrets.ts';
import type { Text } from '../../core/text.ts';
import { judgeCommand, judgeFile, type Judgement, type Reason } from '../command.ts';
import { below, expandAll } from '../expand.ts';
import { fact, finding, octal } from '../finding.ts';
import { attempt, linesOf, statOf, tellCut, cutOf } from '../look.ts';
import type { PlaceCheck, ScanContext } from '../port.ts';
import { joinWords } from '../container.ts';
import { at, listAt, textAt, yamlOf } from '../values.ts';
import { partsOf } from './mime.ts';

const everyBoot = ['/var/lib/cloud/scripts/per-boot', '/var/lib/cloud/handlers'];
const once = ['/var/lib/cloud/scripts/per-once', '/var/lib/cloud/scripts/per-instance', '/var/lib/cloud/scripts/vendor'];
const assistants = ['/usr/local/share/aliyun-assist/work/script', '/usr/local/share/aliyun-assist/*/work/script', '/var/lib/aliyun-assist/work/script', '/tmp/tat_agent/commands', '/usr/local/qcloud/tat_agent/commands', '/var/lib/amazon/ssm/*/document/orchestration', '/CloudResetPwdUpdateAgent/scripts'];
const userData = ['/var/lib/cloud/instances/*/user-data.txt', '/var/lib/cloud/instances/*/vendor-data.txt', '/var/lib/cloud/instances/*/vendor-data2.txt', '/var/lib/cloud/seed/*/user-data', '/var/lib/cloud/seed/*/vendor-data', '/etc/cloud/cloud.cfg', '/etc/cloud/cloud.cfg.d/*.cfg'];
const textLimit = 2 << 20;

/** How often what is found runs. */
type When = 'every-boot' | 'once' | 'asked';

export const cloudInit: PlaceCheck = {
  id: 'cloud-init',
  title: { zh: 'cloud-init 与云助手', en: 'cloud-init and cloud assistants' },
  blind: { zh: '云控制台里的用户数据可能已改而还没下发', en: 'the console of the cloud may hold other user data by now' },
  group: 'persistence',
  scope: 'tree',
  everyMinutes: 60,
  async *run(context) {
    for (const folder of everyBoot) yield* scripts(folder, 'every-boot', context);
    for (const folder of [...once, ...expandAll(context, ['/var/lib/cloud/instances/*/scripts'])]) yield* scripts(folder, 'once', context);
    for (const folder of expandAll(context, assistants)) yield* scripts(folder, 'asked', context);
    for (const path of expandAll(context, userData)) {
      if ((await context.provenance.owner(path))?.state === 'intact') continue;
      yield* data(path, context);
    }
  },
};

async function* scripts(folder: string, when: When, context: ScanContext): AsyncIterable<Finding> {
  for (const { path, stat } of below(context, folder, when === 'asked' ? 3 : 1)) {
    if (stat.kind !== 'file' && stat.kind !== 'link') continue;
    const owner = await context.provenance.owner(path);
    if (owner && owner.state !== 'modified') continue;
    const judged = await judgeFile(path, context);
    const told = worth(judged, when);
    if (told) yield about(path, path, told, judged.reasons, when, stat.changed);
    else if (when === 'every-boot') yield {
      ...about(path, path, { kind: 'notice', level: 'low' }, [], when, stat.changed), title: { zh: '每次开机都以 root 运行的 cloud-init 脚本', en: 'a script that cloud-init runs as root at every boot' },
    };
    if ((stat.mode & 0o002) !== 0 && stat.kind === 'file') yield { ...about(path, `${path}\0mode`, { kind: 'weakness', level: 'high' }, [], when, stat.changed), title: { zh: '谁都能改写 root 会运行的脚本', en: 'anybody may rewrite a script that root runs' }, evidence: [fact({ zh: '权限', en: 'mode' }, octal(stat.mode))] };
  }
}

/** What ran once at the birth of the machine is mostly its owner's own installation: fetching a script and running it is common there. */
function worth({ level, reasons }: Judgement, when: When): { kind: FindingKind; level: Level } | undefined {
  if (level === undefined) return undefined;
  if (when === 'every-boot') return { kind: 'intrusion', level };
  const hard = reasons.some(({ level: one, sign }) => one === 'critical' || sign === 'open-place' || sign === 'changed');
  if (hard) return { kind: 'intrusion', level: when === 'asked' ? 'medium' : atLeast(level, 'high') ? 'high' : level };
  return atLeast(level, 'high') ? { kind: 'notice', level: 'medium' } : { kind: 'notice', level: 'low' };
}

async function* data(path: string, context: ScanContext): AsyncIterable<Finding> {
  const stat = statOf(context, path);
  const read = attempt(context, path, () => context.tree.read(path, textLimit));
  if (!stat || !read) return;
  if (read.cut) tellCut(context, path, textLimit);
  const text = unpacked(read.bytes);
  if (text === undefined) { context.blind(path, { zh: '压缩的用户数据解不开', en: 'compressed user data that cannot be unpacked' }); return; }
  const secret = (stat.mode & 0o004) !== 0 ? /^\s*(?:-?\s*)(?:passwd|plain_text_passwd|hashed_passwd|password|chpasswd)\s*:/m.exec(text) : undefined;
  if (secret) yield { ...about(path, `${path}\0readable`, { kind: 'weakness', level: 'medium' }, [], 'once', stat.changed), title: { zh: '谁都能读到用户数据里的密码', en: 'anybody may read the passwords of the user data' }, evidence: [fact({ zh: '权限', en: 'mode' }, octal(stat.mode))], fix: { text: { zh: '收回读权限', en: 'take the right to read away' }, commands: [['chmod', '600', path]] } };
  for (const part of partsOf(text, cutOf(context, path))) {
    if (part.startsWith('#include')) { yield { ...about(path, `${path}\0include`, { kind: 'notice', level: 'low' }, [], 'once', stat.changed), title: { zh: '用户数据从网上取来', en: 'user data comes from the net' }, evidence: [fact({ zh: '内容', en: 'text' }, part.slice(0, 500))] }; continue; }
    if (part.startsWith('#!') || part.startsWith('#cloud-boothook')) {
      const when = part.startsWith('#cloud-boothook') ? 'every-boot' : 'once';
      yield* judged(path, [...linesOf(context, path, part, { joined: true })].map((line) => line.text), when, stat.changed, context);
      continue;
    }
    if (!part.startsWith('#cloud-config') && !path.endsWith('.cfg')) continue;
    if (part.length > yamlMax) context.blind(path, { zh: `一段配置超过 ${yamlMax} 个字符，后面的没看`, en: `a part of it is longer than ${yamlMax} characters, and what follows was not looked at` });
    for (const config of yamlOf(context, path, part.slice(0, yamlMax))) {
      yield* judged(path, commandsOf(at(config, 'bootcmd')), 'every-boot', stat.changed, context);
      yield* judged(path, [...commandsOf(at(config, 'runcmd')), ...listAt(config, 'write_files').flatMap((file) => (textAt(file, 'content') ?? '').split('\n'))], 'once', stat.changed, context);
    }
  }
}

const yamlMax = 256 * 1024;

const commandsOf = (list: unknown): string[] => (Array.isArray(list) ? (list as unknown[]).map((one) => (Array.isArray(one) ? joinWords(one.filter((word) => typeof word === 'string')) : typeof one === 'string' ? one : '')) : []).filter((one) => one !== '');

async function* judged(path: string, lines: readonly string[], when: When, time: number, context: ScanContext): AsyncIterable<Finding> {
  const reasons: Reason[] = [];
  for (const line of lines) if (reasons.length < 50) reasons.push(...(await judgeCommand(line, context)).reasons.map((reason) => ({ ...reason, evidence: fact({ zh: '命令', en: 'command' }, maskSecrets(line.trim())) })));
  reasons.sort((a, b) => Number(atLeast(b.level, a.level)) - Number(atLeast(a.level, b.level)));
  const told = worth({ level: reasons[0]?.level, kind: reasons[0]?.kind ?? 'intrusion', reasons, programs: [] }, when);
  if (told) yield about(path, `${path}\0${when}`, told, reasons, when, time);
}

function unpacked(bytes: Buffer): string | undefined {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes.toString('utf8');
  try {
    return gunzipSync(bytes, { maxOutputLength: textLimit }).toString('utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined; // not whole, or too large unpacked: told by the caller
    throw error;
  }
}

const whens: Readonly<Record<When, Text>> = {
  'every-boot': { zh: '每次开机都运行', en: 'runs at every boot' }, once: { zh: '开机时运行一次', en: 'runs once, at the first boot' }, asked: { zh: '由云控制台下发运行过', en: 'was run from the console of the cloud' },
};

function about(path: string, key: string, { kind, level }: { kind: FindingKind; level: Level }, reasons: readonly Reason[], when: When, time: number): Finding {
  const reason = reasons[0];
  return finding('cloud-init', key, {
    kind, level, path, time, user: 'root',
    title: { zh: `云脚本：${reason?.text.zh ?? ''}`, en: `script of the cloud: ${reason?.text.en ?? ''}` },
    evidence: [fact({ zh: '何时', en: 'when' }, `${whens[when].zh} / ${whens[when].en}`), ...reasons.map(({ evidence }) => evidence)],
    means: when === 'asked' ? { zh: '云助手的命令要有云账号或 AccessKey 才能下发。不是自己发的，就说明云账号也丢了。', en: 'The assistant runs what somebody with the account or an access key of the cloud sends. If it was not you, the account is lost too.' } : { zh: 'cloud-init 以 root 运行这里的脚本，重装系统盘之外的清理碰不到它。', en: 'cloud-init runs these as root; whoever cleans up elsewhere misses them.' },
    fix: { text: { zh: '不是自己写的就隔离它，并到云控制台改掉用户数据、轮换 AccessKey', en: 'put it away if it is not yours; change the user data and the access keys in the console of the cloud' }, commands: [] },
    refs: [when === 'asked' ? 'attack:T1651' : 'attack:T1037', ...new Set(reasons.flatMap(({ attack }) => attack))].map((id) => (id.includes(':') ? id : `attack:${id}`)),
  });
}
