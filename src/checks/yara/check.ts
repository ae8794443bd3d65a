/** YARA rules, our own and people's, over programs, scripts and files of odd places that no package has. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { MoatError, saidBy } from '../../core/error.ts';
import { levels, type Level } from '../../core/level.ts';
import type { Finding } from '../../core/finding.ts';
import { fact, finding, octal } from '../finding.ts';
import type { ScanContext, Visitor, WalkCheck, WalkedFile } from '../port.ts';
import { bytesOf, isShipped, worthSignatures } from '../unowned.ts';
import { reasonText } from '../reasons.ts';
import type { Source, YaraHit } from './child.ts';
import { YaraEngine, type EngineOptions, type Scanned } from './engine.ts';
import { Witnesses } from './witnesses.ts';
import { upTo } from '../look.ts';

const sizeMax = 32 << 20;
const pendingMax = 4;
const rulesMax = 16 << 20;
const filesMax = 2000;
const hitsShown = 5;

interface Pending { file: WalkedFile; bytes: Buffer; done: Promise<Scanned> }

export const yara: WalkCheck = yaraCheck();

/** `options` of its child and folders of rules instead of the context's, for tests. */
export function yaraCheck({ folders, ...options }: Partial<EngineOptions> & { folders?: readonly string[] } = {}): WalkCheck {
  return {
    id: 'yara',
    title: { zh: 'YARA 特征', en: 'YARA signatures' },
    blind: { zh: '大于 32 MB 的文件、压缩包里面和软件包原样装的文件不看', en: 'does not look at files above 32 MB, into archives, and at files as their package shipped them' },
    group: 'malware',
    scope: 'tree',
    everyMinutes: 24 * 60,
    walk(context): Visitor {
      const from = folders ?? context.yara ?? [];
      const sources = from.flatMap((folder) => rulesIn(folder, context));
      if (sources.length === 0) throw new MoatError<YaraCode>('no-rules', `expected YARA rules in ${from.join(', ') || 'some folder'}, got none`, { zh: `${from.join('、') || '规则目录'} 里没有 YARA 规则` });
      const engine = new YaraEngine({ ...options, sources });
      const witnesses = new Witnesses(sources.map(({ text }) => text));
      const pending: Pending[] = [];
      let told = false;
      const tell = (): void => {
        if (told) return;
        told = true;
        for (const { name, line, message } of engine.faults) context.blind(`${name}:${line}`, { zh: `规则读不懂，没有用上（引擎原话：${message}）`, en: `no rule that can be read, left out: ${message}` });
      };
      const next = async (): Promise<Finding[]> => {
        const { file, bytes, done } = pending.shift()!;
        const scanned = await done;
        tell();
        if ('failed' in scanned) { context.blind(file.path, { zh: `YARA 没有看完：${reasonText(scanned.failed).zh}`, en: `YARA did not look at it whole: ${scanned.failed}` }); return []; }
        return scanned.hits.length > 0 ? [found(file, bytes, scanned.hits)] : [];
      };
      return {
        asksOwner: true,
        wants: (file) => {
          if (file.stat.kind === 'file' && file.stat.size > sizeMax && worthSignatures(file, Number.MAX_SAFE_INTEGER)) context.count('files too large for YARA');
          return worthSignatures(file, sizeMax);
        },
        async *look(file) {
          if (from.some((folder) => file.path.startsWith(`${folder}/`)) || await isShipped(file.path, context)) return;
          const bytes = bytesOf(file.path, context, sizeMax, (head, size) => witnesses.isWorth(head, size));
          if (!bytes || !witnesses.mayMatch(bytes)) return;
          pending.push({ file, bytes, done: engine.scan(bytes) });
          while (pending.length > pendingMax) yield* await next();
        },
        async *end() {
          try {
            while (pending.length > 0) yield* await next();
            // Moat's own rules, the first, are known to be read; faults in people's are told even when no file called for them.
            if (!told && from.length > 1) { await engine.scan(Buffer.alloc(0)); tell(); }
          } finally { await engine.close(); }
        },
      };
    },
  };
}

export type YaraCode = 'no-rules';

/** Files of rules in a folder, not those of its folders; what cannot be read is told. */
function rulesIn(folder: string, context: ScanContext): Source[] {
  const out: Source[] = [];
  let length = 0;
  try {
    const names = statSync(folder).isDirectory() ? upTo(context, readdirSync(folder).filter((name) => /\.yara?$/.test(name)).sort(), filesMax, 'files of a folder beyond the limit').map((name) => join(folder, name)) : [folder];
    for (const name of names) {
      const text = readFileSync(name, 'utf8');
      if ((length += text.length) > rulesMax) { context.blind(name, { zh: '规则太多，没有全用上', en: 'too many rules; these were left out' }); break; }
      out.push({ name, text });
    }
  } catch (error) {
    context.blind(folder, { zh: `规则读不了：${saidBy(error).zh}`, en: `rules that cannot be read: ${saidBy(error).en}` });
  }
  return out;
}

function found({ path, stat }: WalkedFile, bytes: Buffer, hits: readonly YaraHit[]): Finding {
  const sorted = [...hits].sort((a, b) => levels.indexOf(levelOf(b)) - levels.indexOf(levelOf(a)));
  const worst = sorted[0]!;
  const level = levelOf(worst);
  const zh = worst.meta['zh'] ?? worst.meta['description'] ?? worst.rule;
  const en = worst.meta['en'] ?? worst.meta['description'] ?? worst.rule;
  // What a rule looks for stands in the rule.
  const quotes = isRuleSource(path, bytes);
  return finding('yara', path, {
    kind: quotes ? 'notice' : 'intrusion', level: quotes ? 'low' : level, path,
    title: quotes ? { zh: `${path}：YARA 规则文件，里面写着“${zh}”的特征`, en: `${path}: YARA rules that quote the traits of: ${en}` } : { zh: `${path}：${zh}`, en: `${path}: ${en}` },
    evidence: [
      ...sorted.slice(0, hitsShown).map((hit) => fact({ zh: `规则 ${hit.rule}`, en: `rule ${hit.rule}` }, hit.strings.map(({ name, offset, length }) => `${name} @${offset}: ${bytes.subarray(offset, offset + Math.min(length, 80)).toString('latin1').replace(/[^ -~]/g, '.')}`).join('\n') || hit.source)),
      fact({ zh: 'SHA-256', en: 'SHA-256' }, createHash('sha256').update(bytes).digest('hex')),
      fact({ zh: '权限和时间', en: 'mode and time' }, `${octal(stat.mode)} ${stat.uid}:${stat.gid}, ${new Date(stat.modified).toISOString()}`),
    ],
    means: { zh: '文件内容和一类恶意程序的特征相符，而且没有软件包这样装它。', en: 'What the file holds matches the traits of a kind of hostile program, and no package ships it so.' },
    ...(quotes ? {} : { fix: { text: { zh: '先让它不能再被运行，保留作证据，再查是谁在什么时候放进来的', en: 'stop it from being run, keep it as evidence, then see who put it there and when' }, commands: [['chmod', '000', path]] } }),
    refs: [...(worst.meta['attack'] ?? '').split(/[\s,]+/).filter((one) => /^T\d{4}(?:\.\d{3})?$/.test(one)).map((one) => `attack:${one}`), 'dengbao:8.1.4.5'],
    time: stat.changed,
  });
}

/** Text with a rule in it that nothing runs: by its name, and without the first line of a script. */
function isRuleSource(path: string, bytes: Buffer): boolean {
  if (!/\.yara?$/i.test(path) || bytes.includes(0) || bytes.subarray(0, 2).toString('latin1') === '#!') return false;
  const text = bytes.toString('latin1');
  return /^\s*(?:private\s+|global\s+){0,2}rule\s+\w+/m.test(text) && /\bcondition\s*:/.test(text);
}

const levelOf = ({ meta }: YaraHit): Level => levels.find((one) => one === meta['level']) ?? 'high';
