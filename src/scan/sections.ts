/** The parts that every printed report has, in their order, and the words they share. */
import type { Finding } from '../core/finding.ts';
import type { Text } from '../core/text.ts';
import { isSign, type ScanReport } from './report.ts';
import type { Story } from './stories.ts';

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
} as const satisfies Record<string, Text>;

/** A story is read in the order in which it happened; what has no time comes last. */
export const asItHappened = ({ findings }: Story): readonly Finding[] => findings.toSorted((a, b) => (a.time ?? Infinity) - (b.time ?? Infinity) || 0);

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
        { zh: '先留证，别重启、别重装：给磁盘做快照，并用 moat scan --html report.html 保存本报告', en: 'Keep evidence before anything else: take a snapshot of the disk, save this report with moat scan --html report.html, and do not reboot' },
        ...(files ? [] : [{ zh: '在云控制台的安全组里只放行你自己的地址，断开攻击者', en: "Let only your own address in, in the cloud's firewall, so that whoever is inside is cut off" }]),
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
  if (report.stopped) steps.push({ zh: '再查一次并让它做完', en: 'Scan again and let it come to its end' });
  else if (report.blind.length > 0) steps.push({ zh: '解决列出的“没能查到”的原因后再查一次；在那之前不能当作干净', en: 'Mend what kept the scan from looking and scan again; until then the machine is not known to be clean' });
  if (report.findings.some(({ kind }) => kind === 'weakness')) steps.push({ zh: '关上列出的薄弱之处，从级别高的开始', en: 'Shut the open doors, the worst first' });
  const onlyBlind = report.verdict === 'suspicious' && !report.findings.some(isSign);
  if (!files && !onlyBlind) steps.push(report.verdict === 'clean' ? { zh: '想一直有人看着：moat install', en: 'To have somebody watch from now on: moat install' } : { zh: '处理完再运行 moat scan，确认不再出现', en: 'When you are done, run moat scan again to see that nothing came back' });
  return steps;
}
