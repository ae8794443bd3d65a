/** ASP and ASP.NET: VBScript and JScript of classic pages, C#, Visual Basic and JScript of the later ones. */
import { defaultLimits, type Analysis, type Limits, type Sign } from './sign.ts';
import { characters, joined, replaced, step } from './code/folds.ts';
import { textOf, type Dialect } from './code/follow.ts';
import { lex, type Family } from './code/lex.ts';
import { parse } from './code/parse.ts';
import { blank, bounded, readPart, result } from './code/read.ts';
import { Lines } from './sign.ts';
import { titles } from './titles.ts';

const worth = /\\u00|gettype|eval|execute|createobject|activexobject|process|assembly|saveas|savetofile|scriptcontrol|classid|codedom|compile|streamwriter|writealltext|writeallbytes|createtextfile|opentextfile|#@~\^|function|deserialize|unsafe|invoke|addscript|getobject|xsl|httplistener/i;
const scriptName = /\.(?:as[pahcm]x?|asmx|cer|cdx|php|exe|dll|config)$/i;
/** Of a request, but the server's own. */
const harmless = /\.(?:isauthenticated|issecureconnection|browser|contentlength|totalbytes|httpmethod|requesttype|physicalpath|physicalapplicationpath|applicationpath|mappath|isLocal|islocal|useragent|userhostaddress|contenttype|contentencoding|timedout|servervariables|files|form|querystring|count|length|validateinput|currentexecutionfilepath|filepath|path|hasformcontenttype|scheme|host|protocol|requestcontext|logonuseridentity)(?:\.count|\.keys|\.length)?$/;

const asp: Dialect = {
  normal: (path) => path.toLowerCase().replace(/^(?:this|page|me)\./, '').replace(/^(new )?(?:(?:system|diagnostics|reflection|io|text|codedom|compiler|web|ui|microsoft|csharp|security|cryptography)\.)+/, '$1').replace(/^(?:httpcontext\.current|[a-z_]\w*)\.(?=request(?:[.[(]|$))/, '').replace(/^(?:httpcontext\.current|(?:http)?context)\./, '').replace(/^server\.createobject/, 'createobject'),
  source(path, args) {
    if (path === 'request()') return 'request';
    if (/^request\.servervariables\(\)$/.test(path)) { const name = args?.[0] && textOf(args[0]); return name === undefined || /^(?:http_|query_string|all_|path_info)/i.test(name) ? 'request' : undefined; }
    if (path.startsWith('request.servervariables.')) return /\.(?:http_|query_string)/.test(path) ? 'request' : undefined;
    if (/^request\.[^.]+(?:\(\))?$|^request\.(?:form|querystring|params|cookies|headers|item|inputstream|query|body)[.([]/.test(path) && !harmless.test(path)) return 'request';
    if (/^request\[\]$|^request\.(?:form|querystring|item|inputstream|params)$/.test(path)) return 'request';
    if (/^new (?:net\.)?(?:sockets\.)?(?:webclient|tcpclient)|^#(?:msxml2\.(?:server)?xmlhttp|microsoft\.xmlhttp|winhttp)[\w.]*\.response\w+/.test(path)) return 'remote';
    // Whoever speaks to a server of the page's own.
    if (/httplistener\.(?:end)?getcontext(?:async)?\(\)$/.test(path)) return 'request';
    return undefined;
  },
  sinks: [
    { path: /\.(?:addscript|invokescript)$/, kind: 'code', shape: 'code', args: [0] },
    { path: /xsl(?:compiled)?transform\.load$/, kind: 'code', shape: 'any', args: [0], level: 'high' },
    { path: /^#winmgmts:[^]*\.create$/, kind: 'command', shape: 'text', args: [0] },
    { path: /^(?:eval|execute|executeglobal|new function|function)$|^#(?:msscriptcontrol\.)?scriptcontrol[\w.]*\.(?:eval|addcode|executestatement|run)$|\.(?:executestatement|addcode)$|^microsoft\.jscript\.eval\.jscriptevaluate$|^csharpscript\.\w+$/, kind: 'code', shape: 'code' },
    { path: /^#wscript\.shell[\w.]*\.(?:run|exec)$|^#shell\.application[\w.]*\.shellexecute$|^wscript\.shell\.(?:run|exec)$|\?\.shellexecute$|^shell$/, kind: 'command', shape: 'text' },
    { path: /^process\.start(?:\.invoke)?$/, kind: 'command', shape: 'list' },
    { path: /(?:startinfo|new process)(?:\.startinfo)?\.arguments=$|^new processstartinfo$/, kind: 'command', shape: 'text' },
    { path: /startinfo\.filename=$/, kind: 'command', shape: 'text' },
    { path: /(?:^|\.)assembly\.(?:load|loadfrom|unsafeloadfrom)(?:\.invoke)?$|appdomain\.currentdomain\.load$/, kind: 'code', shape: 'code' },
    { path: /\.compileassemblyfromsource$|\.compileassemblyfromsourcebatch$/, kind: 'code', shape: 'any' },
    { path: /(?:binaryformatter|losformatter|objectstateformatter|soapformatter|netdatacontractserializer)\.deserialize$/, kind: 'code', shape: 'any', level: 'high' },
    { path: /^#adodb\.stream[\w.]*\.savetofile$/, kind: 'write', shape: 'any', args: [0], level: 'high' },
    { path: /\.(?:write|writeline)$/, kind: 'write', shape: 'any', level: 'high', toFile: scriptName },
    { path: /^file\.(?:writealltext|writeallbytes|appendalltext|writealllines)$/, kind: 'write', shape: 'any', args: [1], level: 'high', toFile: scriptName },
    { path: /^createobject$|^new activexobject$/, kind: 'callback', shape: 'any', level: 'high' },
  ],
  clean: /^(?:cint|clng|cdbl|cbool|isnumeric|len|instr|ubound|isempty|isnull|int32\.parse|int\.parse|convert\.toint32|convert\.toint64|parseint|server\.htmlencode|html?encode)$|\.(?:htmlencode|equals|contains|startswith|endswith|indexof|length|exists)$/,
  reads: /\.(?:read|readfully|copyto)$/,
  fold(path, args, self, budget) {
    const [first, second, third] = args;
    switch (path) {
      case 'createobject': case 'new activexobject': case 'getobject': { const name = first && textOf(first); return name === undefined ? undefined : { path: `#${name.toLowerCase()}`, ...(first!.hidden && { hidden: true }) }; }
      case 'type.gettype': { const name = first && textOf(first); return name === undefined ? undefined : { path: asp.normal(name), hidden: true }; }
      case 'chr': case 'chrw': case 'chrb': case 'string.fromcharcode': return characters(args);
      case 'strreverse': return step('reverse', first, budget);
      case 'replace': return replaced(first && textOf(first), second && textOf(second), third && textOf(third), budget);
      case 'lcase': return step('lower', first, budget);
      case 'ucase': return step('upper', first, budget);
      case 'trim': case 'cstr': case 'string': return step('same', first, budget);
      case 'unescape': case 'server.urldecode': case 'httputility.urldecode': return step('unescape', first, budget);
      case 'join': return joined(first, (second && textOf(second)) ?? ' ');
      case 'array': return { list: args };
      case 'split': return first?.text !== undefined && second?.text !== undefined && second.text !== '' ? { list: first.text.split(second.text, 4096).map((text) => ({ text, hidden: true })) } : undefined;
      case 'mid': { const text = first && textOf(first); return text === undefined || second?.number === undefined ? undefined : { text: text.slice(second.number - 1, third?.number === undefined ? undefined : second.number - 1 + third.number), hidden: true }; }
      case 'convert.frombase64string': return step('base64', first, budget);
      default:
    }
    if (path.endsWith('.getmethod') && self?.path !== undefined) { const name = first && textOf(first); if (name !== undefined) return { path: `${self.path}.${name.toLowerCase()}`, hidden: true }; }
    if (/\.getstring$|\.getbytes$/.test(path)) return step('same', first, budget);
    if (/\.(?:tostring|trim)$/.test(path) && self?.text !== undefined) return self;
    if (path.endsWith('.replace') && self?.text !== undefined) return replaced(self.text, first && textOf(first), second && textOf(second), budget);
    return undefined;
  },
  parse: (code, budget) => parse(lex(code, 'vb', budget), 'vb', budget),
  again: (code) => (code.startsWith('MZ') ? [{ kind: 'hidden', level: 'high', title: titles.hidden, sink: { line: 1, text: 'program', layer: 1 } }] : readPart({ source: code, family: 'vb', dialect: asp }, defaultLimits, [], code, 1)),
};

export function analyse(source: string, limits: Limits = defaultLimits): Analysis {
  const cut: string[] = [];
  let text = bounded(source, limits, cut);
  if (/^(?:\xff\xfe|\xfe\xff)/.test(text)) text = text.replaceAll('\0', '').slice(2);
  if (!worth.test(text)) return result([], cut);
  const directive = /<%@[^%]{0,600}?\blanguage\s{0,3}=\s{0,3}["']?([\w#.]{1,20})/i.exec(text)?.[1]?.toLowerCase();
  const net = /<%@\s{0,10}(?:page|control|webhandler|webservice|master|application|assembly|import)\b/i.test(text) || /@(?:using|model|Html)\b/.test(text.slice(0, 2000));
  const family = (language: string | undefined): Family => (language === undefined ? (net ? 'cs' : 'vb') : /^(?:jscript|javascript|js|ecmascript)/.test(language) ? 'js' : /^(?:c#|csharp|cs|c)$/.test(language) ? 'cs' : 'vb');
  const usual = family(directive);
  if (net) text = text.replace(/\\u(00[2-7][0-9a-f])/gi, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16))); // C# reads names so too
  const methods = new Set(Array.from(text.matchAll(/\bWebMethod(?:Attribute)?\b[^;{}]{0,200}?\b([A-Za-z_]\w{0,60})\s{0,5}\(/g), ([, name]) => `>${name!.toLowerCase()}()`));
  // What a method of a service is given comes from whoever calls it.
  const dialect: Dialect = methods.size === 0 ? asp : { ...asp, source: (path, args) => (methods.has(path.toLowerCase()) ? 'request' : asp.source(path, args)) };
  const handler = /<%@\s{0,10}(?:webhandler|webservice)\b[^%]{0,400}%>/i.exec(text);
  const byFamily = new Map<Family, string>();
  const parts = partsOf(text, usual, family, handler ? handler.index + handler[0].length : undefined);
  for (const [one, code] of parts) byFamily.set(one, code);
  const razor = byFamily.size === 0 ? razorOf(text) : '';
  if (razor.trim() !== '') byFamily.set('cs', razor);
  const signs: Sign[] = [];
  for (const [one, code] of byFamily) signs.push(...readPart({ source: code, family: one, dialect }, limits, cut, text));
  const encoded = /#@~\^[A-Za-z0-9+/=]{6}==/.exec(text);
  if (encoded) signs.push({ kind: 'hidden', level: 'medium', title: titles.hidden, sink: new Lines(text).at(encoded.index), attack: ['T1027'] });
  const object = /<object\b[^>]{0,300}(?:progid\s{0,3}=\s{0,3}["']?(?:wscript\.shell|shell\.application|msscriptcontrol)|classid\s{0,3}=\s{0,3}["']?clsid:(?:72c24dd5|f935dc22|13709620|0e59f1d5))/i.exec(text);
  if (object && /\brequest\b/i.test(text)) signs.push({ kind: 'command', level: 'high', title: titles.command, sink: new Lines(text).at(object.index) });
  return result(signs, cut);
}

const razorMax = 500;
/** The C# of a Razor page: blocks and calls that begin with @, markup within them blank. */
function razorOf(text: string): string {
  if (!/@(?:using|model|page|inherits|functions|code|addTagHelper)\b|@\{/.test(text)) return '';
  const out: string[] = [];
  let at = 0;
  let read = 0;
  for (const match of text.matchAll(/@(?:(?:functions|code)?\s{0,20}\{|(?:if|for|foreach|while|using|switch|lock)\s{0,3}\(|\(|(?:await\s+)?[A-Za-z_][\w.]{0,100}\()/g)) {
    if (match.index < at || text[match.index - 1] === '@' || /\w/.test(text[match.index - 1] ?? '')) continue;
    if (++read > razorMax) break;
    let end = closing(text, match.index + match[0].length - 1);
    // What a condition is for follows it; what is asked of a call's value too.
    for (let more = /^(?:\s{0,20}\{|(?:\.\w{1,60}){1,8}\(?)/.exec(text.slice(end, end + 500)); more; more = /^(?:\s{0,20}\{|(?:\.\w{1,60}){1,8}\(?)/.exec(text.slice(end, end + 500))) end = /[({]$/.test(more[0]) ? closing(text, end + more[0].length - 1) : end + more[0].length;
    const code = text.slice(match.index, end).replace(/@(?:functions|code)?(?=[\s{(A-Za-z_])/g, blank).replace(/<\/?[a-z][\w-]{0,30}(?:\s[^<>]{0,300})?>/gi, (tag) => `;${blank(tag.slice(1))}`);
    out.push(blank(text.slice(at, match.index)), code, ';');
    at = end;
  }
  return out.join('');
}

/** Behind the bracket that closes the one at `from`, texts passed over; the end when nothing does. */
function closing(text: string, from: number): number {
  let depth = 0;
  for (let i = from; i < text.length; i++) {
    const char = text[i]!;
    if (char === '"') { const end = /"(?:[^"\\\n]|\\.)*"?/y; end.lastIndex = i; i += end.exec(text)![0].length - 1; continue; }
    if (char === '{' || char === '(' || char === '[') depth++;
    else if ((char === '}' || char === ')' || char === ']') && --depth === 0) return i + 1;
  }
  return text.length;
}

/** For each language the source with all else blank. */
function partsOf(text: string, usual: Family, family: (language: string | undefined) => Family, wholeFrom: number | undefined): Map<Family, string> {
  const out = new Map<Family, string[]>();
  const at = new Map<Family, number>();
  const add = (one: Family, from: number, code: string, to: number): void => {
    const parts = out.get(one) ?? [];
    out.set(one, parts);
    parts.push(blank(text.slice(at.get(one) ?? 0, from)), code, one === 'vb' ? '\n'.repeat(0) : ';');
    at.set(one, to);
  };
  if (wholeFrom !== undefined) { add(usual, wholeFrom, text.slice(wholeFrom), text.length); return new Map([...out].map(([one, parts]) => [one, parts.join('')])); }
  const mark = /<%--[\s\S]*?(?:--%>|$)|<%([@=:#$]?)([\s\S]*?)(?:%>|$)|<script\b([^>]{0,300})>([\s\S]*?)(?:<\/script>|$)/gi;
  for (const match of text.matchAll(mark)) {
    const code = match[2] ?? match[4];
    if (code === undefined || match[1] === '@') continue;
    const attributes = match[3];
    if (attributes !== undefined && !/runat\s{0,3}=\s{0,3}["']?server/i.test(attributes)) continue;
    const start = match.index + match[0].indexOf(code, attributes === undefined ? 2 + (match[1]?.length ?? 0) : attributes.length + 7);
    const language = attributes === undefined ? usual : family(/language\s{0,3}=\s{0,3}["']?([\w#.]{1,20})/i.exec(attributes)?.[1]?.toLowerCase() ?? (usual === 'js' ? 'jscript' : usual === 'cs' ? 'c#' : 'vb'));
    // In VB a statement ends with its line: what follows on the same line is another.
    add(language, start, language === 'vb' ? `${code}:` : code, start + code.length);
  }
  return new Map([...out].map(([one, parts]) => [one, parts.join('')]));
}
