/**
 * PAM stacks as the library reads them, and whether one lets somebody in who knows nothing: the modules that ask for a
 * password or key are taken to say no, those that only look after the session say yes or nothing.
 */
import { linesOf, readText } from '../look.ts';
import type { ScanContext } from '../port.ts';

export type PamType = 'auth' | 'account' | 'password' | 'session';

export interface PamLine {
  type: PamType;
  control: string;
  /** As written; a path or a name. */
  module: string;
  args: string;
  path: string;
  line: number;
  text: string;
}

/** Of all files that are gone through for one service. */
const stepsMax = 2000;
const depthMax = 12;
const typeWord = /^-?(auth|account|password|session)$/i;

/** Lines of a file; in /etc/pam.conf the service comes first. */
export function pamLines(context: ScanContext, path: string): PamLine[] {
  const text = readText(context, path);
  if (text === undefined) return [];
  const out: PamLine[] = [];
  for (const { number, text: line } of linesOf(context, path, text, { joined: true })) {
    const bare = line.trim();
    const include = /^@include\s+(\S+)/.exec(bare);
    if (include) {
      for (const type of ['auth', 'account', 'password', 'session'] as const) out.push({ type, control: 'include', module: include[1]!, args: '', path, line: number, text: bare });
      continue;
    }
    const found = /^(\S+)\s+(\[[^\]]*\]|\S+)\s+(\S+)(?:\s+(.*))?$/.exec(path.endsWith('/pam.conf') ? bare.replace(/^\S+\s+/, '') : bare);
    const type = found && typeWord.exec(found[1]!);
    if (!found || !type) { context.count('PAM lines not understood'); continue; }
    out.push({ type: type[1]!.toLowerCase() as PamType, control: found[2]!.toLowerCase(), module: found[3]!, args: found[4] ?? '', path, line: number, text: bare });
  }
  return out;
}

export const moduleName = (module: string): string => module.slice(module.lastIndexOf('/') + 1).replace(/\.so(?:\.\d+)*$/, '');

type Said = 'success' | 'failure' | 'ignore';

/** Modules that look after something else than who somebody is, and decide nothing. */
const saysNothing = new Set(['pam_faillock', 'pam_tally2', 'pam_tally', 'pam_warn', 'pam_echo', 'pam_env', 'pam_cap', 'pam_faildelay', 'pam_group', 'pam_nologin', 'pam_securetty', 'pam_shells', 'pam_keyinit', 'pam_loginuid', 'pam_limits', 'pam_umask', 'pam_motd', 'pam_abl', 'pam_shield', 'pam_systemd_home', 'pam_gnome_keyring', 'pam_kwallet', 'pam_kwallet5', 'pam_mount', 'pam_ecryptfs', 'pam_exec', 'pam_script']);

function answerOf({ module, args }: PamLine): Said {
  const name = moduleName(module);
  if (name === 'pam_permit') return 'success';
  if (name === 'pam_succeed_if') return alwaysTrue(args) ? 'success' : 'failure';
  if (name === 'pam_debug') return /\bauth=success\b/.test(args) || !/\bauth=/.test(args) ? 'success' : 'failure';
  // Most people are on no list.
  if (name === 'pam_listfile') return /\bsense=deny\b/.test(args) ? 'success' : 'failure';
  return saysNothing.has(name) ? 'ignore' : 'failure';
}

/** A condition that everybody fulfils. */
const alwaysTrue = (args: string): boolean => /\buid\s*(?:>=|ge)\s*0\b|\buser\s*(?:!=|ne)\s*(?:nobody|\S*_none)\b|\buser\s+=~\s+\*(?:\s|$)/.test(args);

/** What a control does with a success, a failure, and what a module does not decide. */
function actions(control: string): { success: string; failure: string; ignore: string } {
  switch (control) {
    case 'required': return { success: 'ok', failure: 'bad', ignore: 'ignore' };
    case 'requisite': return { success: 'ok', failure: 'die', ignore: 'ignore' };
    case 'sufficient': return { success: 'done', failure: 'ignore', ignore: 'ignore' };
    case 'optional': return { success: 'ok', failure: 'ignore', ignore: 'ignore' };
    default: {
      const said = new Map([...control.matchAll(/([a-z_]+)=([a-z0-9]+)/g)].map((one) => [one[1]!, one[2]!]));
      const otherwise = said.get('default') ?? 'ignore';
      return { success: said.get('success') ?? otherwise, failure: said.get('auth_err') ?? said.get('perm_denied') ?? otherwise, ignore: said.get('ignore') ?? 'ignore' };
    }
  }
}

export interface Opened { /** The line that let them in. */ by: PamLine | undefined }

/** Does the auth stack of a file let in somebody who can prove nothing? Undefined when it does not, or has none. `granted`: a line taken to say yes. */
export function openStack(context: ScanContext, path: string, granted?: PamLine): Opened | undefined {
  let steps = 0;
  let deep = false;
  /** Undefined: nothing was decided. */
  const run = (file: string, state: { passed: PamLine | undefined; failed: boolean }, depth: number): 'end' | 'on' => {
    if (depth > depthMax) { deep = true; return 'end'; }
    const lines = pamLines(context, file).filter(({ type }) => type === 'auth');
    for (let i = 0; i < lines.length; i++) {
      const one = lines[i]!;
      if (++steps > stepsMax) { deep = true; return 'end'; }
      if (one.control === 'include') {
        if (run(placeOf(one.module), state, depth + 1) === 'end') return 'end';
        continue;
      }
      if (one.control === 'substack') {
        const inner = { passed: undefined as PamLine | undefined, failed: false };
        run(placeOf(one.module), inner, depth + 1);
        if (inner.failed) state.failed = true;
        else state.passed ??= inner.passed;
        continue;
      }
      const does = actions(one.control)[granted?.path === one.path && granted.line === one.line ? 'success' : answerOf(one)];
      switch (does) {
        case 'ok': if (!state.failed) state.passed ??= one; break;
        case 'done': if (!state.failed) state.passed ??= one; return 'end';
        case 'bad': state.failed = true; break;
        case 'die': state.failed = true; return 'end';
        case 'reset': state.failed = false; state.passed = undefined; break;
        case 'ignore': break;
        default: if (/^\d{1,3}$/.test(does)) i += Number(does); break;
      }
    }
    return 'on';
  };
  const state = { passed: undefined as PamLine | undefined, failed: false };
  run(path, state, 0);
  if (deep) { context.blind(path, { zh: `这个 PAM 服务的引用超过 ${depthMax} 层，或超过 ${stepsMax} 行，没能看完`, en: `this PAM service includes more than ${depthMax} levels deep or holds more than ${stepsMax} lines: it was not looked at to its end` }); return undefined; }
  return state.passed && !state.failed ? { by: state.passed } : undefined;
}

const placeOf = (name: string): string => (name.startsWith('/') ? name : `/etc/pam.d/${name}`);
