/** Web trojans: what a visitor sends is followed through every file that a server would run. */
import { MoatError, reasonOf } from '../../core/error.ts';
import { atLeast, levels, type Level } from '../../core/level.ts';
import type { Evidence, Finding, FindingKind } from '../../core/finding.ts';
import type { Owner } from '../../linux/provenance.ts';
import type { FileStat, OpenFile } from '../../linux/tree.ts';
import { isProgramOrArchive, named, pageOf, phpBegins, type Language, type Named } from '../../webshell/choose.ts';
import { byWords, languages } from '../../webshell/languages.ts';
import { isQuotedInJson } from '../../webshell/quoted.ts';
import { defaultLimits, type Analysis, type Sign, type SignKind } from '../../webshell/sign.ts';
import { asShipped, fact, finding, lineFact, octal, putAway } from '../finding.ts';
import type { ScanContext, Visitor, WalkCheck, WalkedFile } from '../port.ts';
import { reasonText } from '../reasons.ts';
import { amongVisitorsFiles, circumstances, inWebRoot, webServerIds } from './place.ts';
import { ended, Pool, type PoolOptions } from './pool.ts';

const edge = 1024;
/** A picture or document is searched for code so far. */
const searchedMax = 2 << 20;
/** What no server serves from; programs by name are looked at everywhere. */
const systemFolders = /^\/(?:proc|sys|boot|bin|sbin|lib(?:32|64|x32)?|usr\/(?!local\/|share\/)|dev\/(?!shm\/)|snap\/|var\/lib\/(?:dpkg|apt|mysql|postgresql|docker\/overlay2|containerd|systemd|ucf|yum|rpm|clamav)\/|var\/cache\/(?:apt|man|fontconfig)\/|run\/(?!user\/))/;
const shareFolder = /^\/usr\/share\/([^/]+)\//;
const signsShown = 5;
const pendingMax = 8;

interface Pending { file: WalkedFile; language: Language; source: Uint8Array; done: Promise<Analysis>; by: Named; picture: boolean }

export const webshell: WalkCheck = webshellCheck();

/** `options` of its threads, for tests. */
export function webshellCheck(options: PoolOptions = {}): WalkCheck {
  return {
    id: 'webshell',
    title: { zh: '网页木马', en: 'web trojans' },
    blind: { zh: '跨文件传递的数据、加密后放在别处的代码，以及大于 2 MB 的文件的中间部分看不到', en: 'does not see data handed from file to file, code that lies encrypted elsewhere, and the middle of files above 2 MB' },
    group: 'web',
    scope: 'tree',
    everyMinutes: 12 * 60,
    walk(context): Visitor {
      const pool = new Pool(options);
      const servers = webServerIds(context);
      const pending: Pending[] = [];
      /** Folders of /usr/share that hold programs of the web. */
      const webShares = new Set<string>();
      const judgeFirst = (): Promise<Finding[]> => { const first = pending.shift()!; return judge(first, context, servers); };
      return {
        asksOwner: true,
        wants({ path, stat }) {
          if (stat.kind !== 'file' || stat.size === 0) return false;
          const by = named(path);
          if (!by) return false;
          const share = shareFolder.exec(path)?.[1];
          if (by.language) {
            if (!languages[by.language] && by.language !== 'html') return false;
            if (share !== undefined && by.language === 'php') webShares.add(share);
            return true;
          }
          return share !== undefined ? webShares.has(share) : !systemFolders.test(path);
        },
        async *look(file) {
          if (await isIntact(file.path, context)) return;
          const chosen = choose(file, context);
          if (!chosen) return;
          const { language, source, by } = chosen;
          pending.push({ file, language, source, by, picture: by.carrier === 'picture', done: pool.analyse(language, source) });
          while (pending.length > pendingMax) yield* await judgeFirst();
        },
        async *end() {
          try {
            while (pending.length > 0) yield* await judgeFirst();
          } finally { await pool.close(); }
        },
      };
    },
  };
}

/** What a file is read as, and its bytes, of a large one both ends; undefined when nothing in it can run. Throws TreeError. */
function choose({ path }: WalkedFile, context: ScanContext): { language: Language; source: Uint8Array; by: Named } | undefined {
  const by = named(path)!;
  const max = by.carrier === 'picture' ? searchedMax : defaultLimits.bytes;
  const opened = context.tree.open(path);
  if (!opened) return undefined;
  try {
    // The kernel runs a compiled CGI program by its first bytes; nothing is handed to an interpreter.
    if (/\.f?cgi$/i.test(path) && part(opened, 0, 4) === '\x7fELF') {
      context.count('compiled CGI programs, which are not read');
      return undefined;
    }
    if (by.carrier !== 'program') {
      const head = part(opened, 0, edge);
      if (isProgramOrArchive(head)) return undefined;
      const tail = part(opened, Math.max(edge, opened.size - edge), edge);
      const near = phpBegins(head) >= 0 || phpBegins(tail) >= 0 || pageOf(head) !== undefined || pageOf(tail) !== undefined;
      if (!near && by.carrier === 'unknown') return undefined;
      if (!near && opened.size <= 2 * edge) return undefined;
    }
    const source = opened.size <= max ? bytesOf(opened, 0, opened.size) : Buffer.concat([bytesOf(opened, 0, max / 2), Buffer.from('\n'), bytesOf(opened, opened.size - max / 2 + 1, max / 2 - 1)]);
    if (opened.size > max && by.carrier === 'program') context.count('files of the web of which only both ends were read');
    if (by.language && by.language !== 'html') return { language: by.language, source, by };
    const page = by.carrier !== 'program' && source.includes('<%') ? pageOf(source.toString('latin1')) : undefined;
    if (page) return { language: page, source, by };
    return source.includes('<?') || source.includes('<script') ? (phpBegins(source.toString('latin1')) >= 0 ? { language: 'php', source, by } : other(by, source)) : other(by, source);
  } finally { opened.close(); }
}

function bytesOf(file: OpenFile, from: number, size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  let length = 0;
  for (let got = -1; got !== 0 && length < size; length += got) got = file.read(bytes.subarray(length), from + length);
  return bytes.subarray(0, length);
}

const other = (by: Named, source: Uint8Array): ReturnType<typeof choose> => (by.language && languages[by.language] ? { language: by.language, source, by } : undefined);

const part = (file: OpenFile, from: number, length: number): string => (from >= file.size ? '' : bytesOf(file, from, length).toString('latin1'));

/** What a package shipped as it is need not be read; a digest costs far less than reading it as a program. */
async function isIntact(path: string, context: ScanContext): Promise<boolean> { return (await ownerOf(path, context))?.state === 'intact'; }

/** Undefined, and told, when the file cannot be read to be compared. */
async function ownerOf(path: string, context: ScanContext): Promise<Owner | undefined> {
  try {
    return await context.provenance.owner(path);
  } catch (error) {
    if (!(error instanceof MoatError)) throw error;
    context.blind(path, reasonOf(error));
    return undefined;
  }
}

async function judge({ file, language, source, done, by, picture }: Pending, context: ScanContext, servers: ReadonlySet<number>): Promise<Finding[]> {
  const whole = await done;
  const broken = whole.cut.some((what) => what === ended.time || what === ended.memory);
  const analysis: Analysis = broken ? { ...whole, signs: byWords[language]?.(Buffer.from(source).toString('latin1')) ?? [] } : whole;
  if (analysis.signs.length === 0 && analysis.cut.length === 0) return [];
  const { path, stat } = file;
  const owner = await ownerOf(path, context);
  if (analysis.read === 'tokens') context.count('files of the web that could not be parsed and were read word by word');
  if (analysis.cut.length > 0) {
    context.count('files of the web that could not be looked at whole');
    if (analysis.signs.length === 0) return [partly(path, stat, analysis.cut)];
  }
  const facts = circumstances(file, context, servers);
  const modified = owner?.state === 'modified' && !owner.config;
  const signs = [...analysis.signs].sort((a, b) => levels.indexOf(b.level) - levels.indexOf(a.level));
  const quoted = by.carrier !== 'program' && language === 'php' && isQuotedInJson(Buffer.from(source).toString('latin1'));
  const level = quoted ? 'low' : levelOf(signs, path, by, picture, facts.length + (modified ? 2 : 0));
  const [worst] = signs;
  const kind: FindingKind = !atLeast(level, 'medium') ? 'notice' : signs.every(isCareless) ? 'weakness' : 'intrusion';
  return [finding('webshell', path, {
    kind, level, path,
    title: { zh: `${path} ${worst!.title.zh}`, en: `${path} ${worst!.title.en}` },
    evidence: [
      ...distinct(signs.slice(0, signsShown).flatMap((sign) => evidenceOf(path, sign))),
      ...facts,
      ...(quoted ? [fact({ zh: '整个文件是引用这段代码的 JSON；代码里有这样的字符，PHP 编译不了它', en: 'the file is JSON that quotes the code; PHP compiles no code with this in it' }, '\\"')] : []),
      ...(owner ? [fact({ zh: '所属软件包', en: 'package' }, `${owner.name} ${owner.version}, ${owner.state}`)] : []),
      fact({ zh: '权限和时间', en: 'mode and time' }, `${octal(stat.mode)} ${stat.uid}:${stat.gid}, ${new Date(stat.modified).toISOString()}`),
      ...analysis.cut.slice(0, 3).map((what) => fact({ zh: `没有看完（${reasonText(what).zh}）`, en: 'not looked at whole' }, what)),
    ],
    means: kind === 'weakness'
      ? { zh: '访问者发来的内容没有检查就成了命令、文件名或调用的一部分：这是程序的漏洞，别人可以借它执行代码。', en: 'What a visitor sends becomes part of a command, file name or call without being checked: a flaw of the program through which others may run code.' }
      : harmsSite.has(worst!.kind)
      ? { zh: '这段代码损害网站和访问它的人：改变给人看的内容、谁能登录、邮件发给谁，或拿走别人输入的密码。它是由能改动这里文件的人放进来的。', en: 'This code works against the site and those who visit it: it changes what they are shown, who may log on or who is sent mail, or takes what they type. Somebody who could write here put it in.' }
      : { zh: '网页木马让人用浏览器就能在这台服务器上执行代码、读写文件，不需要登录。它多半是从上传漏洞或被盗的后台账号放进来的。', en: 'A web trojan lets anybody with a browser run code and change files on this server without logging on. Most come in through an upload flaw or a stolen account of the site.' },
    fix: modified && owner
      ? { text: { zh: `先保存一份作证据，再重装软件包 ${owner.name}`, en: `keep a copy as evidence, then install the package ${owner.name} again` }, commands: [], ...(owner.manager === 'dpkg' && { actions: asShipped(path) }) }
      : { text: { zh: '先让它不能再被运行，保留作证据，再在访问日志里查谁请求过它', en: 'stop it from being run, keep it as evidence, and see in the access log who asked for it' }, commands: [['chmod', '000', path]], ...(kind === 'intrusion' && { actions: putAway(path) }) },
    refs: [...new Set(['attack:T1505.003', ...signs.flatMap(({ attack = [] }) => attack.map((technique) => `attack:${technique}`)), 'dengbao:8.1.4.5'])],
    time: stat.changed,
  })];
}

/** What runs nothing for a visitor and does harm all the same. */
const harmsSite: ReadonlySet<SignKind> = new Set<SignKind>(['injection', 'account', 'mail']);

/** A flaw rather than a trojan: a visitor's word within a command or path, or objects made of it. */
const isCareless = ({ kind, level }: Sign): boolean => kind === 'unpack' || ((kind === 'command' || kind === 'include' || kind === 'callback') && !atLeast(level, 'high'));

const worse: Readonly<Record<Level, Level>> = { info: 'low', low: 'medium', medium: 'high', high: 'high', critical: 'critical' };

/** Settings, rules, signatures and the source of compiled languages: they quote code, and no server runs them. */
const rules = /\.(?:ya?ml|toml|yara?|rules?|patch|diff|ndb|[cm]?tsx?|go|rs|c|cc|cpp|h|hpp|java|kt|swift|ipynb)$/i;

const library = /\/lib(?:64)?\/python\d[\d.]*\/|\/(?:site|dist)-packages\/|\/node_modules\//;

function levelOf(signs: readonly Sign[], path: string, by: Named, picture: boolean, against: number): Level {
  let level = signs[0]!.level;
  // Two circumstances make a doubt weigh more; a flaw stays one wherever it lies.
  if (against >= 2 && !signs.every(isCareless)) level = worse[level];
  const served = inWebRoot(path) || amongVisitorsFiles(path);
  // Nobody asks for a library by its name: a flaw in one is its maker's, and a pip or npm matter.
  // A module of node is not asked for by its name in a web root either.
  if ((!served || by.language === 'node') && signs.every(isCareless) && library.test(path) && atLeast(level, 'medium')) return 'low';
  if (by.carrier === 'unknown' && rules.test(path) && atLeast(level, 'medium')) return served ? 'medium' : 'low';
  if (picture || by.carrier === 'program' || by.carrier === 'unknown') return level;
  // Text that a server runs only when told to: documents and logs quote such code too.
  if (/\.(?:md|rst|adoc)$/i.test(path)) return 'low';
  // What attackers ask for, an application's log writes down: after its date, within the line. A program in such a file begins with its tag.
  if (/\.log$/i.test(path) && signs.every(({ sink }) => sink.layer === 0 && /^[^<]{8,}<\?/.test(sink.text))) return 'low';
  const quoted = /\.(?:log|json|xml|css)$/i.test(path) || !served;
  if (/\.(?:inc|module|theme|install|engine|profile|tpl|ctp|class|lib|suspected)$/i.test(path)) return level;
  return quoted && atLeast(level, 'medium') ? 'medium' : level === 'critical' ? 'high' : level;
}

const distinct = (all: readonly Evidence[]): Evidence[] => all.filter((one, i) => all.findIndex(({ what, value }) => what.en === one.what.en && value === one.value) === i);

function evidenceOf(path: string, { source, sink, decoded, title }: Sign): Evidence[] {
  const layer = sink.layer > 0 ? ` (${sink.layer})` : '';
  return [
    ...(source && (source.line !== sink.line || source.layer !== sink.layer) ? [source.layer === 0 ? lineFact(path, source.line, source.text) : fact({ zh: '解开后的代码里，数据从这里进来', en: 'in the decoded code, data come in here' }, source.text)] : []),
    lineFact(path, sink.line, `${sink.text}${layer}`),
    ...(decoded === undefined ? [] : [fact({ zh: `解开后（${title.zh}）`, en: `decoded (${title.en})` }, decoded)]),
  ];
}

function partly(path: string, stat: FileStat, cut: readonly string[]): Finding {
  return finding('webshell', `partly ${path}`, {
    kind: 'notice', level: 'low', path,
    title: { zh: `${path} 没有看完`, en: `${path} could not be looked at whole` },
    evidence: cut.slice(0, 5).map((what) => fact({ zh: `原因（${reasonText(what).zh}）`, en: 'why' }, what)),
    means: { zh: '文件太大、嵌套太深或太难展开，检查到限度就停了，没看到的部分不能算干净。', en: 'It is too large, nested too deep or too hard to unfold; the check stopped at its limits, and what it did not see is not known to be clean.' },
    refs: ['attack:T1505.003'],
    time: stat.changed,
  });
}
