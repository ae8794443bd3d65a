/** Settings by which a manager of programs starts things: package.json (npm), ecosystem files (PM2), context.xml and server.xml (Tomcat). */
import { base64, looksBase64 } from './decode.ts';
import { hostileCommand } from './code/follow.ts';
import { Lines, type Sign, type SignKind } from './sign.ts';
import { titles } from './titles.ts';
import type { Level } from '../core/level.ts';

const textsMax = 500;
const sign = (kind: SignKind, level: Level, sink: Sign['sink'], decoded?: string): Sign => ({ kind, level, title: titles[kind], sink, ...(decoded !== undefined && { decoded: decoded.slice(0, 300) }) });

/** What a line for a shell does that nobody does who only builds or starts a program. */
function commandSign(command: string): { kind: SignKind; level: Level } | undefined {
  if (hostileCommand(command)) return { kind: 'connect', level: 'critical' };
  const fetches = /\bhttps?['"]?\s{0,3}\)?\s{0,3}\.\s{0,3}(?:get|request)\s{0,3}\(|\bfetch\s{0,3}\(|urlopen|\b(?:curl|wget)\s/.test(command);
  if (fetches && /\beval\s{0,3}\(|\.then\s{0,3}\(\s{0,3}(?:eval|Function)\b|\bnew\s+Function\b|\bFunction\s{0,3}\(|runIn\w{0,8}Context|\bexec\s{0,3}\(|_compile|\beval\s+["'`$]|<\(\s{0,3}(?:curl|wget)|\bsh\s+-c\s+["']?\$\(/.test(command)) return { kind: 'remote', level: 'high' };
  const packed = /["']([A-Za-z0-9+/=]{40,})["']|\becho\s+([A-Za-z0-9+/=]{24,})\s{0,3}\|\s{0,3}base64/.exec(command);
  const text = packed && /eval|Function|exec|base64\s+(?:-d|--decode)[^|]{0,20}\|\s{0,3}(?:ba|da)?sh\b/.test(command) && looksBase64(packed[1] ?? packed[2]!) ? base64(packed[1] ?? packed[2]!, 1 << 16) : undefined;
  return text === undefined ? undefined : { kind: 'hidden', level: hostileCommand(text) ? 'critical' : 'high' };
}

/** Scripts that npm runs by itself when packages are installed or the site is started. */
export function packageJson(text: string): Sign[] {
  const scripts = /"scripts"\s{0,10}:\s{0,10}\{/.exec(text);
  if (!scripts) return [];
  const lines = new Lines(text);
  const signs: Sign[] = [];
  for (const match of text.slice(scripts.index, scripts.index + 20_000).matchAll(/"((?:pre|post)?(?:install|start|prepare|build|publish)|prepublishOnly|dev)"\s{0,5}:\s{0,5}"((?:[^"\\\n]|\\.){1,4000})"/g)) {
    const found = commandSign(match[2]!.replace(/\\(["\\/])/g, '$1'));
    if (found) signs.push(sign(found.kind, found.level, lines.at(scripts.index + match.index), match[2]));
  }
  return signs;
}

/** An ecosystem file's programs: a shell that fetches and runs. */
export function ecosystem(text: string): Sign[] {
  if (!/\bapps["']?\s{0,3}:\s{0,3}\[/.test(text)) return [];
  const lines = new Lines(text);
  const signs: Sign[] = [];
  let read = 0;
  for (const match of text.matchAll(/\b(?:script|args|interpreter|interpreter_args|node_args|exec_interpreter|pre-deploy|post-deploy|post-setup)["']?\s{0,3}:\s{0,3}(?:\[([^\]]{1,4000})\]|(["'`])((?:(?!\2)[^\\\n]|\\.){1,4000})\2)/g)) {
    if (++read > textsMax) break;
    const command = (match[3] ?? match[1]!.replace(/["'`]\s{0,3},\s{0,3}["'`]/g, ' ')).replace(/\\(["'\\])/g, '$1');
    const found = commandSign(command);
    const hidden = /^\s{0,3}(?:\/(?:tmp|var\/tmp|dev\/shm)\/|(?:\/[\w.-]{1,60}){1,8}\/\.[\w-]{1,60}$)/.test(command) && !/\/node_modules\/\.bin\//.test(command);
    if (found) signs.push(sign(found.kind, found.level, lines.at(match.index), command));
    else if (hidden) signs.push(sign('handler', 'high', lines.at(match.index), command));
  }
  return signs;
}

/** Tomcat's objects that are made from settings: one whose making runs code, and what is served out of a hidden place. */
export function tomcat(text: string): Sign[] {
  if (!/<(?:Context|Server|Resource)\b/.test(text)) return [];
  const lines = new Lines(text);
  const signs: Sign[] = [];
  for (const match of text.matchAll(/<(Resource|PreResources|PostResources|JarResources|Context|Valve|Listener|Loader|Realm|Environment)\b((?:[^<>"']|"[^"]{0,4000}"|'[^']{0,4000}'){0,200})>/g)) {
    if (signs.length >= 10) break;
    const attributes = match[2]!;
    const code = /\bforceString\s{0,3}=\s{0,3}["'][^"']{0,200}=\s{0,3}(?:eval|evaluate|parseClass|exec|load|execute|runCommand)\b|getClass\(\)\s{0,3}\.\s{0,3}forName|ScriptEngineManager|getRuntime\(\)|\bProcessBuilder\b/i.exec(attributes);
    const away = /\b(?:rmi|ldaps?|iiop|dns):\/\/|\b(?:INIT\s{0,3}=\s{0,3}RUNSCRIPT|autoDeserialize\s{0,3}=\s{0,3}true|socketFactory\s{0,3}=|TRACE_LEVEL_SYSTEM_OUT\s{0,3}=[^"']{0,60};\s{0,3}INIT)\b/i.exec(attributes);
    const hidden = /\b(?:base|docBase)\s{0,3}=\s{0,3}["']((?:\/tmp|\/var\/tmp|\/dev\/shm)\/[^"']{0,200}|[^"']{0,200}\/\.[\w-][^"']{0,100})["']/.exec(attributes);
    if (code) signs.push(sign('hidden', 'critical', lines.at(match.index), code[0]));
    else if (away && match[1] === 'Resource' && /INIT|autoDeserialize|socketFactory/i.test(away[0])) signs.push(sign('remote', 'high', lines.at(match.index), away[0]));
    else if (hidden && match[1] !== 'Valve') signs.push(sign('handler', 'high', lines.at(match.index), hidden[1]));
  }
  return signs;
}
