/**
 * Templates that a server fills in: FreeMarker, Velocity, Thymeleaf, and the expression languages of Python and PHP. They need no following:
 * an honest template never makes an object that starts programs, nor climbs from a text to the classes of the machine it runs in.
 */
import { Lines, defaultLimits, type Analysis, type Limits, type Sign, type SignKind } from './sign.ts';
import { bounded, result } from './code/read.ts';
import { titles } from './titles.ts';

/** A visitor's words in any of these languages. */
const asks = /RequestParameters|\brequest\b|\bparam(?:s|eters)?\b|\$\{?(?:req|params)\b|\bgetParameter\b|\bheaders?\b|\bcookies?\b/i;
const programs = /\b(?:Runtime|ProcessBuilder|ProcessImpl|ScriptEngineManager|GroovyShell|URLClassLoader|Unsafe|defineClass|MethodHandles|InitialContext|PythonInterpreter)\b/;

/** Expressions in their marks, each with what makes it hostile. */
const climbs: readonly RegExp[] = [
  // FreeMarker makes an object of the classes that run programs.
  /["']freemarker\.template\.utility\.(?:Execute|ObjectConstructor|JythonRuntime)["']\s{0,3}\?\s{0,3}new\b/g,
  /\?api\.(?:class|getClass)\b[^<>\n]{0,200}(?:forName|getClassLoader|protectionDomain)/g,
  // Velocity and JSP-like: from any object to its class, and from there to another.
  /(?:\.getClass\(\)|\.class)\.(?:forName|getClassLoader)\s{0,3}\(|#set\s{0,3}\([^)\n]{1,60}=\s{0,3}[^)\n]{0,100}\.(?:class|getClass\(\))\.forName/g,
  // Thymeleaf and SpEL name a class outright.
  /\bT\s{0,3}\(\s{0,3}(?:[a-z]\w{0,30}\.){1,8}(?:Runtime|ProcessBuilder|ScriptEngineManager|Class|ClassLoader|ClassUtils|ReflectUtils|InitialContext|URLClassLoader|System)\s{0,3}\)|\$\{\s{0,3}new\s{1,3}(?:java|javax|org)\.[\w.]{1,80}(?:ProcessBuilder|ScriptEngineManager|GroovyShell|URLClassLoader|InitialContext)\b/g,
  // Jinja and its like climb from a text to the machine's own modules; Twig hands a list to a function of PHP.
  /\{[{%][^{}\n]{0,300}(?:__(?:globals|builtins|subclasses|mro|base|bases|import)__|\bcycler\b[^{}\n]{0,60}__init__|\|\s{0,3}attr\s{0,3}\(\s{0,3}["'](?:__|\\x5f))[^{}\n]{0,400}[}%]\}/g,
  /\{\{[^{}\n]{0,200}\|\s{0,3}(?:map|filter|sort|reduce)\s{0,3}\(\s{0,3}["'](?:system|exec|passthru|shell_exec|popen|assert|call_user_func)["']/g,
  // Handlebars, Pug and their like reach the maker of functions.
  /(?:\{\{|#\{)[^{}\n]{0,200}\b(?:constructor\s{0,3}\.\s{0,3}constructor|process\s{0,3}\.\s{0,3}mainModule|global\s{0,3}\.\s{0,3}process)\b/g,
];
const worth = /freemarker\.template|\?api\.|getClass\(\)|\.class\.forName|\bT\s{0,3}\(\s{0,3}\w+\.|\bnew\s+java|__(?:globals|builtins|subclasses|mro|class)__|\|\s{0,3}(?:map|filter|sort|reduce|attr)\s{0,3}\(\s{0,3}["']|\.constructor\b|mainModule/;
const signsMax = 10;

export function templateSigns(text: string): Sign[] {
  if (!worth.test(text)) return [];
  const lines = new Lines(text);
  const signs: Sign[] = [];
  // Page and program apart: what a script of the page or a text about templates quotes is in no mark.
  for (const climb of climbs) for (const match of text.matchAll(climb)) {
    if (signs.length >= signsMax) return signs;
    const around = text.slice(match.index, match.index + 2000);
    const direct = /T\s{0,3}\(|freemarker|__|\|\s{0,3}(?:map|filter|sort|reduce)|constructor|mainModule|\bnew\b/.test(match[0]);
    if (!direct && !programs.test(around)) continue;
    if (/^T\s{0,3}\(/.test(match[0]) && !programs.test(around) && !/forName|loadClass|exec/.test(around)) continue;
    const kind: SignKind = asks.test(around) ? 'command' : 'hidden';
    signs.push({ kind, level: kind === 'command' ? 'critical' : 'high', title: titles[kind], sink: lines.at(match.index) });
  }
  return signs;
}

export function analyse(source: string, limits: Limits = defaultLimits): Analysis {
  const cut: string[] = [];
  return result(templateSigns(bounded(source, limits, cut)), cut);
}
