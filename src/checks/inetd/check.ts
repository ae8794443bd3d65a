/** Programs that inetd, xinetd and the TCP wrappers start for whoever connects. */
import type { Finding } from '../../core/finding.ts';
import { judgeCommand, judged, judgeWords, joinJudgements, type Judgement, type Reason } from '../command.ts';
import { lineFact, withoutLine } from '../finding.ts';
import { judgedFinding, linesOf, listHook, readUnshipped, type HookFile, type Place } from '../hooks.ts';
import type { PlaceCheck, ScanContext } from '../port.ts';
import { baseName, languageOf, type Words } from '../shell-words.ts';

const place: Place = {
  check: 'inetd', name: { zh: 'inetd 服务', en: 'service of inetd' },
  means: { zh: '有人连上那个端口，它就启动程序并把连接交给程序。', en: 'Whoever connects to the port has the program started and is handed to it.' },
  refs: ['attack:T1543'],
};

export const inetd: PlaceCheck = {
  id: 'inetd',
  title: { zh: 'inetd、xinetd 与 TCP Wrappers', en: 'inetd, xinetd and TCP wrappers' },
  blind: { zh: '用别的配置文件启动的 inetd 看不到', en: 'cannot see an inetd that was given another file' },
  group: 'persistence',
  scope: 'tree',
  everyMinutes: 60,
  async *run(context) {
    for (const path of ['/etc/inetd.conf', ...listHook(context, '/etc/inetd.d')]) yield* table(path, context, inetdServices);
    for (const path of ['/etc/xinetd.conf', ...listHook(context, '/etc/xinetd.d')]) yield* table(path, context, xinetdServices);
    for (const path of ['/etc/hosts.allow', '/etc/hosts.deny']) yield* wrappers(path, context);
  },
};

export interface Service { line: number; text: string; name: string; user: string; words: Words; disabled: boolean }

/** `name type protocol wait user program argv…`; the program `internal` is inetd itself. */
export function inetdServices(text: string): Service[] {
  const services: Service[] = [];
  for (const { line, text: entry } of linesOf(text, /^\s*#/)) {
    const fields = entry.trim().split(/\s+/);
    const [name = '', , , , user = '', program = '', title, ...rest] = fields;
    if (fields.length < 6 || program === 'internal') continue;
    // tcpd starts the program that its name is.
    const words = baseName(program) === 'tcpd' && title !== undefined ? [title, ...rest] : [program, ...(title === undefined ? [] : rest)];
    services.push({ line, text: entry, name, user: user.split(/[.:]/)[0]!, words, disabled: false });
  }
  return services;
}

/** `service NAME { key = value … }`. */
export function xinetdServices(text: string): Service[] {
  const services: Service[] = [];
  let open: { name: string; line: number; values: Map<string, string>; lines: string[] } | undefined;
  for (const { line, text: entry } of linesOf(text, /^\s*#/)) {
    const head = /^\s*service\s+(\S+)/.exec(entry);
    if (head) { open = { name: head[1]!, line, values: new Map(), lines: [] }; if (!entry.includes('}')) continue; }
    if (!open) continue;
    const set = /^\s*(\w+)\s*[+-]?=(.*)$/s.exec(entry);
    if (set) { open.values.set(set[1]!, set[2]!.trim()); open.lines.push(entry.trim()); }
    if (!entry.includes('}')) continue;
    const { values, name } = open;
    const server = values.get('server');
    if (server !== undefined) {
      const args = (values.get('server_args') ?? '').split(/\s+/).filter((word) => word !== '');
      // With NAMEINARGS the first argument is the program's own name.
      const wrapped = baseName(server) === 'tcpd' && args.length > 0;
      services.push({ line: open.line, text: open.lines.join('; '), name, user: values.get('user') ?? 'root', words: wrapped ? args : [server, ...(/NAMEINARGS/.test(values.get('flags') ?? '') ? args.slice(1) : args)], disabled: values.get('disable') === 'yes' });
    }
    open = undefined;
  }
  return services;
}

async function* table(path: string, context: ScanContext, read: (text: string) => Service[]): AsyncIterable<Finding> {
  const file = await readUnshipped(place, context, path);
  if (!file) return;
  yield* file.open;
  for (const service of read(file.text)) yield* told(file, service.line, service.text, service.user, joinJudgements([await judgeWords(service.words, context, { user: service.user }), judged(shellReasons(service, path))]));
}

function shellReasons({ words, disabled, line, text }: Service, path: string): Reason[] {
  const shell = languageOf(words[0] ?? '') === 'shell' && !words.slice(1).some((word) => /^-\w*c$/.test(word) || word.startsWith('/'));
  return shell ? [{ level: disabled ? 'high' : 'critical', text: { zh: '把 shell 交给连进来的人', en: 'it hands a shell to whoever connects' }, evidence: lineFact(path, line, text), attack: ['T1059.004'] }] : [];
}

function* told(file: HookFile, line: number, text: string, user: string, judgement: Judgement): Iterable<Finding> {
  const found = judgedFinding(place, { path: file.path, key: text.trim(), judged: judgement, evidence: [lineFact(file.path, line, text.trim())], time: file.stat.changed, user, fix: { zh: `去掉 ${file.path} 第 ${line} 行的服务，并重启 inetd`, en: `take the service of line ${line} out of ${file.path} and restart inetd` }, ...(file.path.endsWith('/inetd.conf') && { actions: withoutLine(file.path, line, text) }) });
  if (found) yield found;
}

/** `( LINE ) &` → `LINE`. */
function unwrapped(text: string): string {
  const plain = text.trim();
  const inner = (plain.endsWith('&') ? plain.slice(0, -1) : plain).trim();
  return inner.startsWith('(') && inner.endsWith(')') ? inner.slice(1, -1) : plain;
}

/** `daemons : clients : spawn LINE` and `twist LINE` run a shell for each connection. */
async function* wrappers(path: string, context: ScanContext): AsyncIterable<Finding> {
  const file = await readUnshipped(place, context, path);
  if (!file) return;
  yield* file.open;
  for (const { line, text } of linesOf(file.text, /^\s*#/)) {
    const found = /:\s*(?:spawn|twist)\s*=?\s+(.*)$/.exec(text);
    if (!found) continue;
    const command = unwrapped(found[1]!).replaceAll('\\:', ':');
    const words = command.trim().split(/\s+/);
    yield* told(file, line, text, 'root', joinJudgements([await judgeCommand(command, context), judged(shellReasons({ words, disabled: false, line, text, name: '', user: 'root' }, path))]));
  }
}
