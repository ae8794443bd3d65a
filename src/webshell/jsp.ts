/** JSP and JSPX: the Java between the marks and the expression language, read as a servlet engine would. */
import { defaultLimits, type Analysis, type Limits, type Sign } from './sign.ts';
import { characters, joined, step } from './code/folds.ts';
import { textOf, type Dialect } from './code/follow.ts';
import { blank, bounded, readPart, result } from './code/read.ts';
import { htmlEntities, utf8 } from './decode.ts';
import { titles } from './titles.ts';

const worth = /getRuntime|ProcessBuilder|ProcessImpl|\beval\b|ScriptEngine|defineClass|defineAnonymousClass|URLClassLoader|forName|FileOutputStream|FileWriter|RandomAccessFile|Files\s*\.|readObject|XMLDecoder|lookup\s*\(|getClass|parseExpression|ELProcessor|GroovyShell|\.class\b|\.invoke|loadClass|getConnection|setJdbcUrl|setDataSourceName|execute|MVEL|Ognl|createExpression|createScript|allowAllAccess/;
const scriptName = /\.(?:jspx?|jspf|php\d?|sh|war|class)$/i;

const java: Dialect = {
  normal: (path) => path.replace(/(?:\b[a-z_]\w*\.)+(?=[A-Z]\w*(?:\.|$|\())/g, '').replace(/^(?:this|super)\./, ''),
  source(path) {
    if (/\.(?:getParameter|getParameterValues|getParameterMap|getParameterNames|getHeader|getHeaders|getQueryString|getCookies|getPart|getParts)\(\)$/.test(path)) return 'request';
    if (/(?:^|[.(])(?:\w*[rR]equest(?:\(\))?|req|getRequest\(\))\.(?:getInputStream|getReader|getRequestURI|getPathInfo)\(\)$/.test(path)) return 'request';
    if (/^(?:param|paramValues|header|headerValues|cookie)\.|^pageContext\.request\.(?:queryString|parameterMap|inputStream)/.test(path)) return 'request';
    // What a socket of the page is sent.
    if (path === '>onMessage()') return 'request';
    if (/^new (?:Socket|URL)\b|\.openStream\(\)$/.test(path)) return 'remote';
    return undefined;
  },
  sinks: [
    { path: /\bRuntime(?:\.getRuntime\(\))?\.exec(?:\.invoke)?$/, kind: 'command', shape: 'text' },
    { path: /\.getRuntime\(?\)?(?:\.invoke\(\))?\.exec(?:\.invoke)?$/, kind: 'command', shape: 'text' },
    { path: /^new ProcessBuilder$|ProcessBuilder(?:\[\])?\.(?:command|newInstance)$/, kind: 'command', shape: 'text' },
    { path: /ProcessImpl\.start(?:\.invoke)?$|UNIXProcess/, kind: 'command', shape: 'any' },
    { path: /(?:GroovyShell|GroovyClassLoader|SimpleTemplateEngine)\.(?:evaluate|parse|parseClass|createTemplate)$|\.parseExpression$|\.create(?:Value|Method)Expression$|ELProcessor\.\w+$|\bContext\b.*\.eval$|^Eval\.\w+$/, kind: 'code', shape: 'code', args: [0, 1] },
    // What else they are given are the values that the expression may name.
    { path: /\.eval$|Ognl\.\w+$|MVEL\.\w+$|\.create(?:Expression|Script)$|ExpressRunner\.execute$|AviatorEvaluator(?:\.getInstance\(\))?\.(?:execute|compile)$|\.evalScriptlet$/, kind: 'code', shape: 'code', args: [0] },
    // The whole address names the driver and what it does on connecting.
    { path: /^DriverManager\.getConnection$|\.(?:setJdbcUrl|setUrl|setDataSourceName)$/, kind: 'sql', shape: 'any', args: [0], level: 'high', before: /^\s*$/ },
    { path: /(?:^|\.)define(?:Anonymous|Hidden)?Class(?:\.invoke)?$|\.defineClass0$/, kind: 'code', shape: 'code' },
    { path: /^new (?:URLClassLoader|XMLDecoder)$/, kind: 'code', shape: 'any', level: 'high' },
    { path: /ObjectInputStream\.readObject$|XMLDecoder\.readObject$/, kind: 'code', shape: 'any', self: true, level: 'high' },
    { path: /\.loadClass$|(?:^|\.)forName$/, kind: 'code', shape: 'any', before: /\$\$BCEL\$\$/i },
    { path: /\.lookup$/, kind: 'code', shape: 'any', level: 'high' },
    { path: /(?:getMethod|getDeclaredMethod)\?\.invoke$|\[\?\]\.invoke$/, kind: 'callback', shape: 'any', self: true },
    { path: /\.(?:write|print|println|append|writeBytes|writeUTF)$/, kind: 'write', shape: 'any', level: 'high', toFile: scriptName },
    { path: /^Files\.(?:write|writeString|copy)$/, kind: 'write', shape: 'any', args: [1], level: 'high', toFile: scriptName },
  ],
  keeps: { put: /\.(?:setAttribute|putValue)$/, get: /\.(?:getAttribute|getValue)$/ },
  clean: /\.(?:parseInt|parseLong|parseBoolean|parseDouble|equals|equalsIgnoreCase|length|contains|matches|size|isEmpty|startsWith|endsWith|indexOf|hashCode|containsKey|compareTo|exists|mkdirs?|delete|getAttribute|waitFor|exitValue)$|^(?:Integer|Long)\.valueOf$/,
  reads: /\.(?:read|readFully|readLine)$/,
  fold(path, args, self, budget) {
    if (/(?:^|\.)forName$|\.loadClass$/.test(path)) {
      const name = args[0] && textOf(args[0]);
      if (name !== undefined) return { path: java.normal(name), hidden: true };
      return args[0]?.taint ? { path: '[?]', taint: args[0].taint } : undefined;
    }
    if (/\.get(?:Declared)?Method$/.test(path) && self) {
      const name = args[0] && textOf(args[0]);
      if (name !== undefined) return { path: `${self.path ?? '?'}.${name}`, hidden: true };
      return args[0]?.taint ? { path: 'getMethod?', taint: args[0].taint } : undefined;
    }
    if (path.endsWith('.getRuntime.invoke')) return { path: 'Runtime.getRuntime()' };
    if (/\.get(?:Declared)?Constructors?$|\.newInstance$/.test(path) && self?.path !== undefined && !self.taint) return { path: path.endsWith('newInstance') && /^[A-Z]/.test(self.path) ? `new ${self.path}` : self.path, ...(args[0]?.taint && { taint: args[0].taint }) };
    if (/Base64.*\.(?:decode|decodeBuffer|decodeBase64|parseBase64Binary)$|parseBase64Binary$/.test(path)) return step('base64', args[0], budget);
    if (/parseHexBinary$|\.decodeHex$/.test(path)) return step('hex', args[0], budget);
    if (path === 'URLDecoder.decode') return step('percent', args[0], budget);
    if (/^new String$|^String\.(?:valueOf|copyValueOf)$|^Character\.toString$/.test(path)) return args[0]?.list ? (args[0].list.every(({ text }) => text?.length === 1) ? joined(args[0], '') : characters([args[0]])) : args[0]?.text !== undefined ? args[0] : undefined;
    if (path.endsWith('.concat') && self?.text !== undefined && args[0]?.text !== undefined) return { text: self.text + args[0].text, hidden: true };
    if (path.endsWith('.reverse')) return step('reverse', self, budget);
    if (/^new (?:StringBuilder|StringBuffer)$/.test(path)) return args[0]?.text === undefined ? undefined : args[0];
    if (/\.(?:toString|getBytes|toCharArray|trim|intern|next|useDelimiter)$/.test(path) && (self?.text !== undefined)) return self;
    if (path.endsWith('.toLowerCase') && self?.text !== undefined) return step('lower', self, budget);
    if (/\.(?:replace|replaceAll)$/.test(path) && self?.text !== undefined && args[0]?.text !== undefined && args[1]?.text !== undefined && args[0].text !== '') return { text: self.text.replaceAll(args[0].text, () => args[1]!.text!), hidden: true };
    // Names that hold bytes to be run are followed through ciphers and streams as they are.
    return undefined;
  },
  again: (code) => againJava(code),
};

function againJava(code: string): Sign[] {
  if (code.startsWith('\xca\xfe\xba\xbe')) return [{ kind: 'hidden', level: 'high', title: titles.hidden, sink: { line: 1, text: 'Java class', layer: 1 } }];
  return readPart({ source: code, family: 'c', dialect: java }, defaultLimits, [], code, 1);
}

/** Java reads \u0041 before anything else, within marks only. */
const unescaped = (text: string): string => text.replace(/\\u+([0-9a-fA-F]{4})/g, (_, digits: string) => { const code = Number.parseInt(digits, 16); return code < 256 ? String.fromCharCode(code) : utf8(String.fromCharCode(code)); });

export function analyse(source: string, limits: Limits = defaultLimits): Analysis {
  const cut: string[] = [];
  let text = bounded(source, limits, cut);
  // Servers read UTF-16 where its mark or every other byte says so.
  if (/^(?:\xff\xfe|\xfe\xff)/.test(text) || /^(?:<\0|\0<)/.test(text)) text = text.replaceAll('\0', '').replace(/^[\xfe\xff]{2}/, '');
  const plain = unescaped(text);
  // Pages in EBCDIC, whole or after a mark that says so, are told by that alone: nobody writes pages so.
  const ebcdic = /^\x4c\x6f[\s\S]{0,4}\x97\x81\x87\x85/.test(text) || /<%@\s{0,10}page\b[^%]{0,300}pageEncoding\s{0,3}=\s{0,3}["'](?:cp|ibm-?|x-ibm|ebcdic-?)\w{0,12}|<\?xml[^?]{0,100}encoding\s{0,3}=\s{0,3}["'](?:cp0?(?:037|273|28\d|297|420|424|500|87\d|1047|114\d)|ibm-?0?(?:037|273|28\d|500|1047|114\d)|ebcdic)/i.test(text.slice(0, 4000));
  const signs: Sign[] = ebcdic ? [{ kind: 'hidden', level: 'high', title: titles.hidden, sink: { line: 1, text: 'EBCDIC', layer: 0 }, attack: ['T1027'] }] : [];
  if (!worth.test(plain) && !/:scriptlet\b[\s\S]*(?:&#|CDATA)/.test(plain)) return result(signs, cut);
  const code = javaOf(plain);
  const heard = new Set(Array.from(code.matchAll(/@(?:\w+\.){0,5}OnMessage\b[^;{}=]{0,300}?\b([A-Za-z_]\w{0,60})\s{0,5}\(/g), ([, name]) => `>${name!}()`));
  // What an endpoint is told comes from whoever is connected.
  const dialect: Dialect = heard.size === 0 ? java : { ...java, source: (path, args) => (heard.has(path) ? 'request' : java.source(path, args)) };
  if (code.trim() !== '') signs.push(...readPart({ source: code, family: 'c', dialect }, limits, cut, plain));
  let shown = 0;
  for (const match of plain.matchAll(/[$#]\{([^{}]{4,4000})\}/g)) {
    if (++shown > 200) { cut.push('expressions beyond the limit'); break; }
    if (!worth.test(match[1]!)) continue;
    const ranges = blank(plain.slice(0, match.index + 2)) + match[1]!;
    signs.push(...readPart({ source: ranges, family: 'js', dialect: java }, limits, cut, plain));
  }
  return result(signs, cut);
}

/** Only what runs, at its own place; an expression is handed to out.print. */
function javaOf(text: string): string {
  const out: string[] = [];
  let at = 0;
  const mark = /<%--[\s\S]*?(?:--%>|$)|<%([!=@]?)([\s\S]*?)(?:%>|$)|<(?:[a-z_][\w-]{0,30}):(scriptlet|declaration|expression)[^>]{0,200}>([\s\S]*?)(?:<\/[a-z_][\w-]{0,30}:\3>|$)/gi; // the prefix is the author's choice
  for (const match of text.matchAll(mark)) {
    out.push(blank(text.slice(at, match.index)));
    at = match.index + match[0].length;
    let code = match[2] ?? match[4];
    if (match[1] === '@' || code === undefined) { out.push(blank(match[0])); continue; }
    if (match[3] !== undefined) code = htmlEntities(code.replace(/<!\[CDATA\[|\]\]>/g, ''));
    out.push(code, ';');
  }
  out.push(blank(text.slice(at)));
  return out.join('');
}
