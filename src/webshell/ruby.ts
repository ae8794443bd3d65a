/** Ruby that answers requests: Rails, Sinatra, Rack, CGI. Turned into the shape of JavaScript line by line, then followed as that is; parameters of its own methods are not. */
import { defaultLimits, type Analysis, type Limits } from './sign.ts';
import { characters, joined, step } from './code/folds.ts';
import { textOf, type Dialect } from './code/follow.ts';
import { blank, bounded, readPart, result, statementsEnd } from './code/read.ts';

const sinkWords = /\b(?:system|exec|spawn|eval|instance_eval|class_eval|module_eval|popen\w*|capture[23]e?|Marshal|YAML|ERB)\b|`|%x/;
const requestWords = /\b(?:ActionController|ApplicationController|Sinatra|Rack|CGI|Roda|Grape|WEBrick|HTTP_[A-Z]|QUERY_STRING)|\b(?:get|post|put|match)\s+['"]\/|\bcall\s*\(\s*env\s*\)|\brequest\.(?:params|headers|body|env|raw_post)|\bparams\s*\[\s*[:"']/;

const ruby: Dialect = {
  normal: (path) => path.replace(/^(?:Kernel|self|Object)\./, ''),
  source(path) {
    if (/^params\.\w|^params\[|^request\.(?:params|headers|body|env|raw_post|query_string|cookies|GET|POST|path_info|fullpath|user_agent|referer|get_header|query|query_parameters|request_parameters)\b|^cookies\.\w/.test(path)) return 'request';
    if (/^(?:env|ENV|@?env)\.(?:HTTP_\w+|QUERY_STRING|PATH_INFO|REQUEST_URI|rack\.input)/.test(path)) return 'request';
    if (/^(?:new )?CGI\.new(?:\(\))?\.(?!header|out|print|class)\w|^CGI\.new\(?\)?\[|^Rack\.Request\.new\(\)\.(?:params|body|cookies|GET|POST|get_header)/.test(path)) return 'request';
    return /^(?:Net\.HTTP\.get|URI\.open|open-uri\.open)(?:\(\))?$/.test(path) ? 'remote' : undefined;
  },
  sinks: [
    { path: /^(?:system|exec|spawn|qx|IO\.popen|Process\.spawn|PTY\.spawn|Open3\.(?:capture\w+|popen\w+|pipeline\w*))$/, kind: 'command', shape: 'list' },
    { path: /^(?:eval|ERB\.new)$|\.(?:eval|instance_eval|class_eval|module_eval)$|^(?:instance|class|module)_eval$/, kind: 'code', shape: 'code', args: [0] },
    { path: /^(?:Marshal\.load|YAML\.(?:unsafe_load|load))$/, kind: 'code', shape: 'any', args: [0], level: 'high' },
  ],
  clean: /^(?:Integer|Float|Shellwords\.escape|CGI\.escapeHTML|ERB\.Util\.html_escape|h)$|\.(?:to_i|to_f|shellescape|length|size|empty|nil|present|blank|include|match|start_with|end_with|to_sym|hash|permit|require|find|find_by|where)$/,
  fold(path, args, self, budget) {
    const [first] = args;
    if (/^Base64\.(?:decode64|strict_decode64|urlsafe_decode64)$/.test(path)) return step('base64', first, budget);
    if (path === 'Zlib.Inflate.inflate' || path === 'Zlib.inflate') return step('inflate', first, budget);
    const kind = (first && textOf(first)) ?? '';
    if (/\.unpack1?$/.test(path)) return kind.startsWith('m') ? step('base64', self, budget) : kind.startsWith('H') ? undefined : step('same', self, budget);
    if (path.endsWith('.pack')) return self?.list ? (kind.startsWith('H') ? step('hex', self.list[0], budget) : kind.startsWith('m') ? undefined : characters([self])) : step('same', self, budget);
    if (path.endsWith('.join')) return joined(self, kind);
    return undefined;
  },
  again: (code) => readPart({ source: asScript(code), family: 'js', dialect: ruby }, defaultLimits, [], code, 1),
};

const word = /#[^\n]*|"(?:[^"\\]|\\[\s\S])*"?|'(?:[^'\\]|\\[\s\S])*'?|`(?:[^`\\]|\\[\s\S])*`?|%x(?:\{([^}]{0,2000})\}|\(([^)]{0,2000})\)|\[([^\]]{0,2000})\]|<([^>]{0,2000})>|([|!/])([\s\S]{0,2000}?)\5)|(?<![\w:]):[a-z_]\w*|\b(?:def|class|module)\s+[^\n;]*|\bdo\s*\|[^|\n]*\||\{\s*\|[^|\n]*\||[A-Za-z_]\w*[?!](?![=~])|=>|->|&\.|@{1,2}(?=\w)|\b(?:do|end|begin|rescue|ensure|then)\b|[A-Za-z_]\w*|[\s\S]/g;
const template = (text: string): string => (!/#\{|["\n]/.test(text) ? `"${text}"` : `\`${text.replace(/`/g, '\\`').replaceAll('${', '\\${').replace(/#\{([^{}]{0,2000})\}/g, (_, code: string) => `\${${asScript(code)}}`)}\``);

/** Texts with code in them become templates, what ends a block nothing; lines stay where they are. */
function asScript(text: string): string {
  return statementsEnd(text.replace(/^=begin\b[\s\S]*?^=end\b/gm, blank).replace(word, (all: string, ...groups: (string | undefined)[]) => {
    const [brace, round, square, angle, , other] = groups;
    const command = brace ?? round ?? square ?? angle ?? other;
    if (all.startsWith('%x') && command !== undefined) return `qx(${template(command)})`;
    switch (all[0]) {
      case '#': return '';
      case '"': return template(all.slice(1, all.length > 1 && all.endsWith('"') ? -1 : undefined));
      case '`': return `qx(${template(all.slice(1, all.length > 1 && all.endsWith('`') ? -1 : undefined))})`;
      case ':': return all.length > 1 ? `"${all.slice(1)}"` : all;
      case '@': return '';
      case '{': return all.length > 1 ? '{' : all;
      default:
    }
    if (/^(?:def|class|module|do|end|begin|rescue|ensure|then)\b/.test(all)) return ';';
    if (all === '=>') return ',';
    if (all === '->') return '';
    if (all === '&.') return '.';
    return /^\w+[?!]$/.test(all) ? all.slice(0, -1) : all;
  }));
}

export function analyse(source: string, limits: Limits = defaultLimits): Analysis {
  const cut: string[] = [];
  const text = bounded(source, limits, cut);
  if (!sinkWords.test(text) || !requestWords.test(text)) return result([], cut);
  return result(readPart({ source: asScript(text), family: 'js', dialect: ruby }, limits, cut, text), cut);
}
