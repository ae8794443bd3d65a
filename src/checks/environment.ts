/** Variables that make programs load or run something: who sets them for a service or a job decides what it does. */
import type { Text } from '../core/text.ts';
import type { Reason } from './command.ts';
import { fact } from './finding.ts';
import { anyoneWrites, upTo } from './look.ts';
import { judgeProgram } from './program-place.ts';
import type { ScanContext } from './port.ts';

const libraries = new Set(['LD_PRELOAD', 'LD_AUDIT']);
const searched = new Set(['LD_LIBRARY_PATH', 'PYTHONPATH', 'PERL5LIB', 'RUBYLIB', 'NODE_PATH', 'GCONV_PATH']);
const files = new Set(['BASH_ENV', 'ENV', 'PYTHONSTARTUP', 'SHELL', 'EDITOR', 'VISUAL', 'PAGER', 'GIT_SSH', 'GIT_EXTERNAL_DIFF', 'LESSOPEN']);
/** Allocators and the like that people preload on purpose. */
const usual = /\/lib(?:jemalloc|tcmalloc|mimalloc|faketime|eatmydata|asan|tsan|nss_wrapper|proxychains|tsocks|torsocks|gtk3-nocsd|sqlite3|rdkafka|hugetlbfs|preload-vaapi|ssl|crypto|gomp|stdc\+\+|ffi|AppProtection)[\w.+-]*\.so/;

const says: Readonly<Record<'preload' | 'search', Text>> = {
  preload: { zh: '把一个不属于任何软件包的库塞进程序', en: 'a library that no package ships is loaded into the program' },
  search: { zh: '程序会从任何人都能写的目录加载代码', en: 'the program loads code from a folder that anybody may write to' },
};

const valueMax = 16_384;

/** What is to be said of `name=value` in the environment of something that starts by itself. */
export async function environmentReasons(name: string, value: string, context: ScanContext): Promise<Reason[]> {
  const reasons: Reason[] = [];
  if (value === '') return reasons;
  // The kernel takes 128 KiB: whoever fills one up hides what stands in it.
  if (value.length > valueMax) { context.blind(name, { zh: `环境变量太长（${value.length} 个字符），没看`, en: `the variable is too long to be looked at (${value.length} characters)` }); return reasons; }
  const evidence = fact({ zh: '环境变量', en: 'variable' }, `${name}=${value}`);
  if (libraries.has(name)) {
    for (const path of upTo(context, value.split(/[\s:]+/).filter((one) => one !== ''), 200, 'long lines read only in part')) {
      if (!path.startsWith('/') || path.includes('$')) continue;
      const { program, notes } = await judgeProgram(path, context);
      if (program.owner && program.owner.state !== 'modified') continue;
      const worst = notes.some(({ level, kind }) => kind === undefined && (level === 'high' || level === 'medium'));
      // Nobody but debuggers of the loader has use for LD_AUDIT.
      if (worst || (name === 'LD_AUDIT' && context.provenance.known)) reasons.push({ level: 'high', text: says.preload, evidence, attack: ['T1574.006'] });
      else if (context.provenance.known) { const known = usual.test(path); reasons.push({ level: known ? 'low' : 'medium', ...(known && { kind: 'notice' as const }), text: says.preload, evidence, attack: ['T1574.006'] }); }
    }
    return reasons;
  }
  if (searched.has(name) || name === 'PATH') {
    if (value.split(':').some((folder) => anyoneWrites.test(folder))) reasons.push({ level: 'high', kind: name === 'PATH' ? 'weakness' : 'intrusion', text: says.search, evidence, attack: ['T1574.007'] });
    return reasons;
  }
  if (files.has(name) && value.startsWith('/')) {
    const path = value.split(/\s+/)[0]!;
    const { notes } = await judgeProgram(path, context);
    for (const { level, kind, text, attack } of notes) reasons.push({ level, ...(kind && { kind }), text, evidence, attack });
  }
  const required = name === 'NODE_OPTIONS' ? /(?:--require|-r|--import|--loader)[= ](\/\S+)/.exec(value)?.[1] : name === 'PERL5OPT' ? /-[mM]\S*/.exec(value)?.[0] : name === 'JAVA_TOOL_OPTIONS' ? /-javaagent:([^=\s]+)/.exec(value)?.[1] : undefined;
  if (required?.startsWith('/')) {
    const { notes } = await judgeProgram(required, context);
    for (const { level, kind, text, attack } of notes) reasons.push({ level, ...(kind && { kind }), text, evidence, attack });
  }
  return reasons;
}
