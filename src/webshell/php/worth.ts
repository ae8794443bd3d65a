/** Is a PHP file worth parsing? A quick look at its words: most files can do none of what is looked for. */

import { crawlers } from './visitors.ts';

/** Names that run code or commands, or call what they are told. */
const acts = /\b(?:eval|assert|create_function|system|exec|shell_exec|passthru|popen|proc_open|pcntl_exec|expect_popen|preg_replace|preg_filter|mb_eregi?_replace|call_user_func(?:_array)?|forward_static_call(?:_array)?|register_(?:shutdown|tick)_function|array_(?:map|filter|walk|walk_recursive|reduce|udiff\w*|uintersect\w*|diff_ukey|diff_uassoc|intersect_ukey|intersect_uassoc)|u[ak]?sort|ob_start|iterator_apply|ReflectionFunction|ReflectionMethod|fromCallable|set_(?:error|exception)_handler|spl_autoload_register|FFI|COM|putenv|mail|sqliteCreateFunction|createFunction|CallbackFilterIterator|preg_replace_callback|filter_var|imap_open|input|I|request|add_(?:action|filter)|wp_(?:create_user|insert_user|set_auth_cookie)|mysqli?_(?:multi_)?query|pg_query|evaluate|query|error_log|stream_copy_to_stream|registerPlugin|registerUndefined\w{1,20}|Twig_?\w{0,10}(?:Filter|Function|Test)|createTemplate|compileString|invoke(?:Function|Method)|stream_\w{6,7}_register|\w{1,40}_(?:callback|handler|loader|function))\s*\(|registerPhpFunctions|['"](?:string|eval):|`|::fromCallable|new\s+COM\b|\bdata:|\beval\b/i;
/** A call of what a variable, an element or an expression names; a class that a variable names. */
const dynamicCall = /[$}\])'"]\s{0,8}\(|\$\w{1,100}\s{0,8}(?:\[[^\]\n]{0,200}\]\s{0,8})?\(|\bnew\s{1,8}\(?\s{0,8}\$|\$\$|\$\{|\\x[0-9a-f]{2}|\\[01][0-7]{2}/i;
const callOfVariable = /\$[\w\x80-\xff]{1,100}\s{0,8}(?:(?:\[[^\]\n]{0,200}\]|\{[^}\n]{0,100}\}){1,8}\s{0,8})?\(|[)\]]\s*\(|['"]\s*\(|\}\s*\(\s*\$|\$\{\s*['"(]|\*\/\s{0,8}\(|\buse\s{1,8}function\s{1,8}[\w\\]{1,200}\s{1,8}as\b|\|>/;
const writes = /\b(?:file_put_contents|fwrite|fputs|move_uploaded_file|copy|rename|extractTo|fopen|gzwrite|SplFileObject)\b/i;
const includes = /\b(?:include|require)(?:_once)?\b\s*\(?\s*(?!['"]?[\w./-]*['"]\s*\)?\s*;)(?!\(?\s*(?:__DIR__|dirname))/i;
const sources = /\$_(?:GET|POST|REQUEST|COOKIE|FILES|SERVER)\b|\$\{?\s*['"(]|HTTP_(?:RAW_POST_DATA|GET_VARS|POST_VARS|COOKIE_VARS)|php:\/\/|getallheaders|apache_request_headers|filter_input|getenv|\bGLOBALS\b|_SESSION|import_request_variables|parse_str|unserialize|\binput\s*\(|\bI\s*\(|\brequest\s*\(|\$(?:this->)?(?:request|req|input)\b|\b(?:Request|Input)\b|exif_read_data|iptcparse|imagecolorat/i;
const remotes = /\b(?:fsockopen|pfsockopen|stream_socket_client|socket_create|curl_exec|socket_connect|Redis|Memcached?)\b|['"](?:https?|ftp|tcp):\/\//i;
const decoders = /base64_decode|gzinflate|gzuncompress|gzdecode|str_rot13|strrev|convert_uudecode|hex2bin|openssl_decrypt|mcrypt_|chr\s*\(|pack\s*\(|\\x[0-9a-f]{2}\\x[0-9a-f]{2}|\\1[0-7]{2}\\1|\$\w+\s*[[{]\s*\d+\s*[\]}]\s*\.\s*\$\w+\s*[[{]|\^\s*['"$]|['"]\s*\^|~\s*['"]|str_replace|strtr|implode|goto\b|['"]\s*\.\s*['"]|urldecode|substr/i;
const strong = /\beval\b|\b(?:register(?:Plugin|Undefined\w{1,20})|Twig\w{0,10}(?:Filter|Function)|[cC]reateFunction)\s*\([^;\n]{0,200}['"](?:system|exec|passthru|shell_exec|assert|popen|proc_open)['"]|\bmkfifo\b|\bGCONV_PATH=|-oProxyCommand|\bpre_user_query\b|\bwp_set_auth_cookie\b|\bwp_(?:create|insert)_user\b|insert\s+into[^;]{0,300}administrator|\b(?:curl|wget)\b[^\n|]{1,300}\|\s{0,4}(?:ba)?sh\b|\bnc\b[^\n]{1,80}-[a-z]*e\b|\bassert\s*\(\s*(?:\$|@|[a-z_0-9]+\s*\()|create_function|\/dev\/tcp|LD_PRELOAD|\/[imsxuADSUXJ]*e[imsxuADSUXJ]*['"]\s*,|(?:include|require)(?:_once)?[^;\n]{0,200}(?:\.(?:jpe?g|png|gif|ico|bmp|webp|svg|woff2?|ttf|zip|gz|pdf)\b|\/tmp\/|\/dev\/shm|data:|\w{1,20}:\/\/|\\x|\$_|\/var\/log|\/proc\/|\.log\b|sess_)/i;
/** Who asks. */
const visitors = /HTTP_(?:USER_AGENT|REFERER)/;
/** A field for passwords or cards. */
const secretField = /\$_(?:POST|REQUEST)\s{0,4}\[\s{0,4}['"]\w{0,20}(?:pass|pwd|card|cvv)/i;
const sockets = /\b(?:p?fsockopen|stream_socket_client|socket_connect)\s*\(/i;
/** An address or path that is put together out of sight. */
const hides = /base64_decode|str_rot13|strrev|hex2bin|gzinflate|convert_uudecode|\\x[0-9a-f]{2}\\x/i;

/** Code of unknown shape between tags, none of whose words are written in letters. */
const lettersShare = (source: string): number => { const part = source.slice(0, 4000); let letters = 0; for (let i = 0; i < part.length; i++) { const code = part.charCodeAt(i) | 32; if (code >= 97 && code <= 122) letters++; } return part.length === 0 ? 1 : letters / part.length; };

export function worthParsing(source: string): boolean {
  if (strong.test(source) || visitors.test(source) && crawlers.test(source)) return true;
  if (includes.test(source) && (hides.test(source) || /\/var\/log|sess_|(?:zip|rar|phar|filter):\/\/|\.log\b/i.test(source))) return true;
  if (secretField.test(source) && remotes.test(source) || sockets.test(source) && sources.test(source)) return true;
  const calls = callOfVariable.test(source);
  const does = acts.test(source);
  if (sources.test(source) && (does || calls || writes.test(source) || includes.test(source))) return true;
  if ((does || calls) && (remotes.test(source) || decoders.test(source))) return true;
  if (writes.test(source) && (remotes.test(source) || /base64_decode|gzinflate|\\x[0-9a-f]{2}\\x|<\?php[^\n]*\$_/i.test(source.slice(5)))) return true;
  return dynamicCall.test(source) && lettersShare(source) < 0.35;
}
