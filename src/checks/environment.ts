/** Variables that make programs load or run something: who sets them for a service or a job decides what it does. */
import type { Text } from '../core/text.ts';
import type { Reason } from './command.ts';
import type { Language } from './shell-words.ts';
import { fact } from './finding.ts';
import { anyoneWrites } from './look.ts';
import { judgeProgram } from './program-place.ts';
import type { ScanContext } from './port.ts';

const libraries = new Set(['LD_PRELOAD', 'LD_AUDIT']);
/** Folders that programs or interpreters take code from. */
export const codeFolders: ReadonlySet<string> = new Set(['LD_LIBRARY_PATH', 'PYTHONPATH', 'PYTHONHOME', 'PERL5LIB', 'RUBYLIB', 'NODE_PATH', 'GCONV_PATH', 'GIO_MODULE_DIR', 'GIO_EXTRA_MODULES', 'GTK_PATH', 'QT_PLUGIN_PATH', 'OPENSSL_ENGINES', 'OPENSSL_MODULES', 'KRB5_PLUGIN_DIR', 'SASL_PATH', 'LUA_PATH', 'LUA_CPATH']);
/** Options that an interpreter takes as if they stood on its command line: what they have it load, and where from. */
const java = { language: 'other', files: /-(?:javaagent|agentpath):([^=\s"']+)/g } as const;
const optionsOf: Readonly<Record<string, { language: Language; files: RegExp; folders?: RegExp }>> = {
  NODE_OPTIONS: { language: 'node', files: /(?:--require|-r|--import|--loader|--experimental-loader)[=\s]\s*["']?(?:file:\/\/)?([^\s"']+)/g },
  PERL5OPT: { language: 'perl', files: /-[mM](\/[^\s"']+)/g, folders: /(?:-I\s*|-[mM]lib=)["']?([^\s"',;]+)/g },
  RUBYOPT: { language: 'ruby', files: /-r\s*["']?([^\s"']+)/g, folders: /-I\s*["']?([^\s"']+)/g },
  JAVA_TOOL_OPTIONS: java, _JAVA_OPTIONS: java, JDK_JAVA_OPTIONS: java, JAVA_OPTS: java, CATALINA_OPTS: java,
};
/** Variables that hold such options. */
export const optionNames: ReadonlySet<string> = new Set(Object.keys(optionsOf));
const files = new Set(['BASH_ENV', 'ENV', 'PYTHONSTARTUP', 'SHELL', 'EDITOR', 'VISUAL', 'PAGER', 'GIT_SSH', 'GIT_EXTERNAL_DIFF', 'LESSOPEN']);
/** Allocators and the like that people preload on purpose. */
const usual = /\/lib(?:jemalloc|tcmalloc|mimalloc|faketime|eatmydata|asan|tsan|nss_wrapper|proxychains|tsocks|torsocks|gtk3-nocsd|sqlite3|rdkafka|hugetlbfs|preload-vaapi|ssl|crypto|gomp|stdc\+\+|ffi|AppProtection)[\w.+-]*\.so/;

const says: Readonly<Record<'preload' | 'search' | 'charsets', Text>> = {
  preload: { zh: '把一个不属于任何软件包的库塞进程序', en: 'a library that no package ships is loaded into the program' },
  charsets: { zh: '让每个程序从另一个目录加载字符集模块：攻击手法，正常软件不用', en: 'every program takes the modules of character sets from another folder: a way in, and nothing that software needs' },
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
    for (const path of new Set(value.split(/[\s:]+/).filter((one) => one !== ''))) {
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
  if (codeFolders.has(name) || name === 'PATH') {
    if (value.split(/[:;]/).some((folder) => anyoneWrites.test(`${folder}/`))) reasons.push({ level: 'high', kind: name === 'PATH' ? 'weakness' : 'intrusion', text: says.search, evidence, attack: ['T1574.007'] });
    // No software asks for it: the character sets of the C library are where it was built to look.
    else if (name === 'GCONV_PATH') reasons.push({ level: 'medium', text: says.charsets, evidence, attack: ['T1574.006'] });
    return reasons;
  }
  if (files.has(name) && value.startsWith('/')) {
    const path = value.split(/\s+/)[0]!;
    const { notes } = await judgeProgram(path, context);
    for (const { level, kind, text, attack } of notes) reasons.push({ level, ...(kind && { kind }), text, evidence, attack });
  }
  if (loadedBy(name, value).folders.some((folder) => anyoneWrites.test(`${folder}/`))) reasons.push({ level: 'high', text: says.search, evidence, attack: ['T1574.007'] });
  for (const path of loadedBy(name, value).files) {
    const { notes } = await judgeProgram(path, context);
    for (const { level, kind, text, attack } of notes) reasons.push({ level, ...(kind && { kind }), text, evidence, attack });
  }
  return reasons;
}

/** Files and folders of code that an interpreter is told to load by the options in `name=value`; whole paths only. */
export function loadedBy(name: string, value: string): { files: string[]; folders: string[]; language: Language } {
  const options = Object.hasOwn(optionsOf, name) ? optionsOf[name] : undefined;
  if (!options || value.length > valueMax) return { files: [], folders: [], language: 'other' };
  const all = (form: RegExp | undefined): string[] => (form ? [...value.matchAll(form)].map((found) => found[1]!).filter((path) => path.startsWith('/')) : []);
  return { files: all(options.files), folders: all(options.folders), language: options.language };
}
