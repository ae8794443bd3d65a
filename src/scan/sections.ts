/** The parts that every printed report has, in their order, and the words they share. */
import type { Evidence, Finding } from '../core/finding.ts';
import type { Lang, Text } from '../core/text.ts';
import { isSign, type ScanReport } from './report.ts';
import type { Story } from './stories.ts';
import { wayTexts } from './way.ts';

export interface Sections {
  /** Stories with a sign of an intrusion. */
  signs: readonly Story[];
  /** Doors that stand open. */
  weaknesses: readonly Story[];
  /** Worth knowing. */
  notices: readonly Story[];
}

export function sectionsOf(stories: readonly Story[]): Sections {
  const weak = (story: Story): boolean => story.findings.some(({ kind }) => kind === 'weakness');
  const others = stories.filter(({ intrusion }) => !intrusion);
  return { signs: stories.filter(({ intrusion }) => intrusion), weaknesses: others.filter(weak), notices: others.filter((story) => !weak(story)) };
}

export const sectionTexts = {
  blind: { zh: '没能查到的', en: 'What could not be looked at' },
  signs: { zh: '入侵迹象', en: 'Signs of an intrusion' },
  weaknesses: { zh: '薄弱之处（开着的门，不等于有人进来过）', en: 'Weaknesses (open doors; they say nothing of who came through)' },
  notices: { zh: '值得知道的', en: 'Worth knowing' },
  next: { zh: '接下来', en: 'What to do next' },
  means: { zh: '意味着', en: 'meaning' },
  fix: { zh: '处理', en: 'to do' },
  byMoat: { zh: '由 Moat 处理（先显示再执行，可用 moat undo 撤销）', en: 'by Moat (shown first, taken back by moat undo)' },
  byHand: { zh: '或者手工', en: 'or by hand' },
} as const satisfies Record<string, Text>;

/** A story is read in the order in which it happened; what has no time comes last. */
const asItHappened = ({ findings }: Story): readonly Finding[] => findings.toSorted((a, b) => (a.time ?? Infinity) - (b.time ?? Infinity) || 0);

/** So much of a story, or less, that what is left out is not as bad; its first sign always. In the order in which it happened. */
export function partOf(story: Story, takes: (finding: Finding) => boolean): readonly Finding[] {
  const first = story.entry?.finding;
  const taken = new Set([...(first ? [first] : []), ...story.findings.filter((one) => one !== first)].filter(takes));
  return asItHappened(story).filter((one) => taken.has(one));
}

/** How somebody most likely came in, and what speaks for it. */
export function entryOf({ entry }: Story): Text | undefined {
  if (!entry) return undefined;
  const { way, finding: { title } } = entry;
  if (way === 'maybe-ssh') return { zh: `${wayTexts[way].zh}；最早的迹象：${title.zh}`, en: `how somebody came in is not known, perhaps by SSH; first sign: ${title.en}` };
  return way === 'unknown'
    ? { zh: `${wayTexts.unknown.zh}；最早的迹象：${title.zh}`, en: `how somebody came in is not known; first sign: ${title.en}` }
    : { zh: `可能的入口：${wayTexts[way].zh}；最早的迹象：${title.zh}`, en: `likely way in: ${wayTexts[way].en}; first sign: ${title.en}` };
}

/** Evidence as people read it: where it is stands first, unless the title or a fact says so already. */
export function factsOf({ path, title, evidence }: Finding): readonly Evidence[] {
  if (path === undefined || title.en.includes(path) || evidence.some((one) => one.path === path || one.value.includes(path) || one.what.en.includes(path))) return evidence;
  return [{ what: { zh: '位置', en: 'where' }, value: path }, ...evidence];
}

/** References as people write them; `technique` gives the number of one of ATT&CK and what it is called. What only Moat itself sorts by is left out. */
export function refsOf({ refs }: Finding, lang: Lang, technique?: (id: string) => Text): string[] {
  return refs.flatMap((ref) => {
    const colon = ref.indexOf(':');
    const id = ref.slice(colon + 1);
    switch (ref.slice(0, colon)) {
      case 'attack': return [`ATT&CK ${technique ? technique(id)[lang] : id}`];
      case 'dengbao': return [lang === 'zh' ? `等保三级 ${id}` : `GB/T 22239 ${id}`];
      case 'cis': return [`CIS ${id}`];
      case 'matrix': return [];
      default: return [ref];
    }
  });
}

/** What ties a story together, in words; undefined for a story of one finding. */
export function tieOf({ shared, findings }: Story): Text | undefined {
  if (findings.length < 2 || shared.length === 0) return undefined;
  const words = shared.map((key): Text => {
    const colon = key.indexOf(':');
    const value = key.slice(colon + 1);
    switch (key.slice(0, Math.max(0, colon))) {
      case 'path': return { zh: value, en: value };
      case 'pid': return { zh: `进程 ${value}`, en: `process ${value}` };
      case 'user': return { zh: `账号 ${value}`, en: `account ${value}` };
      case 'address': return { zh: `地址 ${value}`, en: `address ${value}` };
      default: return key === 'time' ? { zh: '同一时段', en: 'the same minutes' } : { zh: key, en: key };
    }
  });
  return { zh: words.map(({ zh }) => zh).join('、'), en: words.map(({ en }) => en).join(', ') };
}

/** What to do next, most urgent first. */
export function nextSteps(report: ScanReport): Text[] {
  const steps: Text[] = [];
  const files = report.tree.kind !== 'machine';
  switch (report.verdict) {
    case 'compromised':
      steps.push(
        ...(files ? [{ zh: '先留证：把这块盘或这个镜像原样留一份，并用 --html report.html 保存本报告', en: 'Keep evidence before anything else: a copy of the disk or image as it is, and this report (--html report.html)' }] : [
          { zh: '先留证，别重启、别重装：给磁盘做快照，并用 moat scan --html report.html 保存本报告', en: 'Keep evidence before anything else: take a snapshot of the disk, save this report with moat scan --html report.html, and do not reboot' },
{ zh: '在云控制台的安全组里只放行你自己的地址，断开攻击者', en: "Let only your own address in, in the cloud's firewall, so that whoever is inside is cut off" },
        ]),
        { zh: '先清掉会把程序带回来的东西（计划任务、服务、密钥、预加载库），再结束进程、隔离文件；命令写在各项发现里', en: 'Take away what brings programs back (jobs, units, keys, preloaded libraries) before you end processes and put files away; the commands stand with each finding' },
        { zh: '在另一台干净的机器上更换这台机器用过的密码、SSH 密钥和云密钥', en: 'From another, clean machine, change every password, SSH key and cloud key that was used here' },
        { zh: '查清并堵上入口，然后再查一次；系统程序或内核被改动过的机器，应当重装并从备份恢复数据', en: 'Find and shut the way they came in, then scan again; a machine whose system programs or kernel were changed is best installed anew, with the data from a backup' },
      );
      break;
    case 'suspicious':
      if (report.findings.some(isSign)) steps.push({ zh: '逐项查看这些迹象：不认识、也没人承认的，就当作入侵处理', en: 'Look at each sign: what you do not know and nobody owns up to is to be treated as an intrusion' });
      if (report.findings.some(isSign) && !files) steps.push({ zh: '装有 Moat 时，moat origin 路径或进程号 会说出它从何而来', en: 'Where Moat runs, moat origin PATH or PID tells where it came from' });
      break;
    case 'clean': break;
  }
  const where = elsewhere(report);
  // Evidence comes before anything else.
  if (where) steps.splice(report.verdict === 'compromised' ? 1 : 0, 0, where);
  if (report.stopped) steps.push({ zh: '再查一次并让它做完', en: 'Scan again and let it come to its end' });
  else if (report.blind.length > 0) steps.push({ zh: '解决列出的“没能查到”的原因后再查一次；在那之前不能当作干净', en: 'Mend what kept the scan from looking and scan again; until then the machine is not known to be clean' });
  if (report.findings.some(({ kind }) => kind === 'weakness')) steps.push({ zh: '关上列出的薄弱之处，从级别高的开始', en: 'Shut the open doors, the worst first' });
  const onlyBlind = report.verdict === 'suspicious' && !report.findings.some(isSign);
  if (!files && !onlyBlind) steps.push(report.verdict === 'clean' ? { zh: '想一直有人看着：moat install', en: 'To have somebody watch from now on: moat install' } : { zh: '处理完再运行 moat scan，确认不再出现', en: 'When you are done, run moat scan again to see that nothing came back' });
  return steps;
}

/** Commands are written for the system that was looked at: pasted here they would change this machine. */
function elsewhere({ tree, findings }: ScanReport): Text | undefined {
  if (!findings.some(({ fix }) => fix && fix.commands.length > 0)) return undefined;
  switch (tree.kind) {
    case 'machine': return undefined;
    case 'folder': return { zh: `报告里的命令是给盘里那个系统的：接回原机后在那里运行，或者把路径改成 ${tree.name} 之下的再运行；照原样在本机运行，改动的是本机`, en: `The commands are for the system on that disk: run them there, or with their paths put below ${tree.name}; run here as they stand they change this machine` };
    case 'image': return { zh: '报告里的命令是给镜像里那个系统的，别在本机运行：镜像不就地修，改构建文件或换基础镜像后重新构建，并换掉用它起的容器', en: 'The commands are for the system in that image, not for this machine: an image is not mended in place, so change what it is built from, build it anew, and replace the containers that came of it' };
  }
}
