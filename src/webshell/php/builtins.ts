/** PHP's own functions that bring data in, call what they are told, or do harm. */
import { hexOf } from '../decode.ts';
import { callValue, evaluateCode, runLayer, type Named } from './calls.ts';
import { assignTo, setVariable } from './assign.ts';
import { ownPath, queryVariables } from './expressions.ts';
import { hooked, passwordLeaves, userFunction } from './accounts.ts';
import { isRequestFunction } from './frameworks.ts';
import { elementOf, namedVariable, superglobals } from './places.ts';
import { askedForCrawler, headed, printed } from './visitors.ts';
import { compute, pattern } from './functions.ts';
import type { Node } from './parse.ts';
import type { Frame, Operation, Run } from './run.ts';
import { aboutItself } from './reflection.ts';
import { filtered, makeFilter, nextBucket, register } from './streams.ts';
import { scanned } from './texts.ts';
import { keptBy } from './kept.ts';
import { codeSink, commandSink, includeSink, readSource, replaceCode, said, sqlSink, uploadSink, writeSink } from './sinks.ts';
import { choicesOf, from, gap, given, hiddenBy, joinTaints, know, listOf, merge, namedGap, taintsOf, templateOf, textOf, unknown, unknownFrom, type Handle, type Origin, type Value } from './value.ts';

const codeFunctions = new Set(['eval', 'assert', 'create_function']);
const commandFunctions = new Set(['system', 'exec', 'shell_exec', 'passthru', 'popen', 'proc_open', 'pcntl_exec', 'expect_popen', 'w32api_invoke_function']);

/** Whose name nobody needs to hide. */
const lesserFunctions = new Set(['base64_decode', 'gzinflate', 'gzuncompress', 'gzdecode', 'str_rot13', 'file_put_contents', 'fwrite', 'fputs', 'call_user_func', 'call_user_func_array', 'preg_replace', 'array_map', 'move_uploaded_file', 'fsockopen', 'curl_exec', 'ini_set', 'mail', 'chr', 'strrev', 'hex2bin', 'openssl_decrypt', 'include', 'readfile', 'chmod', 'unlink']);

/** Function → where its callback stands, and what that is called with. */
const callbacks: Readonly<Record<string, { at: number; of: 'rest' | 'list' | 'items' | 'pairs' | 'output'; items?: number }>> = {
  call_user_func: { at: 0, of: 'rest' }, forward_static_call: { at: 0, of: 'rest' }, register_shutdown_function: { at: 0, of: 'rest' }, register_tick_function: { at: 0, of: 'rest' },
  call_user_func_array: { at: 0, of: 'list', items: 1 }, forward_static_call_array: { at: 0, of: 'list', items: 1 }, iterator_apply: { at: 1, of: 'list', items: 2 },
  array_map: { at: 0, of: 'items', items: 1 }, array_filter: { at: 1, of: 'items', items: 0 }, array_walk: { at: 1, of: 'items', items: 0 }, array_walk_recursive: { at: 1, of: 'items', items: 0 }, array_reduce: { at: 1, of: 'pairs', items: 0 },
  usort: { at: 1, of: 'pairs', items: 0 }, uasort: { at: 1, of: 'pairs', items: 0 }, uksort: { at: 1, of: 'pairs', items: 0 },
  array_udiff: { at: 2, of: 'pairs', items: 0 }, array_uintersect: { at: 2, of: 'pairs', items: 0 }, array_diff_ukey: { at: 2, of: 'pairs', items: 0 }, array_intersect_ukey: { at: 2, of: 'pairs', items: 0 }, array_udiff_assoc: { at: 2, of: 'pairs', items: 0 }, array_udiff_uassoc: { at: 2, of: 'pairs', items: 0 }, array_uintersect_assoc: { at: 2, of: 'pairs', items: 0 }, array_uintersect_uassoc: { at: 2, of: 'pairs', items: 0 }, array_diff_uassoc: { at: 2, of: 'pairs', items: 0 }, array_intersect_uassoc: { at: 2, of: 'pairs', items: 0 },
  ob_start: { at: 0, of: 'output' }, set_error_handler: { at: 0, of: 'output' }, set_exception_handler: { at: 0, of: 'output' }, header_register_callback: { at: 0, of: 'output' }, spl_autoload_register: { at: 0, of: 'output' }, sqlite_create_function: { at: 2, of: 'output' }, assert_options: { at: 1, of: 'output' }, session_set_save_handler: { at: 0, of: 'output' }, libxml_set_external_entity_loader: { at: 0, of: 'output' },
  fiber: { at: 0, of: 'rest' },
};

/** Where a function of PHP's own takes its callback and what that is called with. */
export const callbackPlaces = (name: string): { at: number; items?: number } | undefined => (Object.hasOwn(callbacks, name) ? callbacks[name] : undefined);

/** CURLOPT_WRITEFUNCTION, _READFUNCTION and _HEADERFUNCTION. */
const curlCallbacks = new Set([20_011, 20_012, 20_079]);

const itemsMax = 3000;
const handlersMax = 50;
const requestSources = new Set(['getallheaders', 'apache_request_headers', 'filter_input', 'filter_input_array', 'nsapi_request_headers']);
const databaseSources = /^(?:mysql|mysqli|pg|sqlite|odbc|oci|mssql|sqlsrv)_(?:query|result|fetch_\w+|fetch)$|^get_option$|^get_theme_mod$/;
const remoteSources = new Set(['curl_exec', 'curl_multi_getcontent', 'socket_read', 'stream_socket_recvfrom', 'wp_remote_retrieve_body', 'dns_get_record', 'ftp_get', 'imap_body', 'imap_fetchbody']);
/** What a picture or shared memory tells: nobody looks for code there. */
const fileSources = new Set(['exif_read_data', 'read_exif_data', 'exif_thumbnail', 'iptcparse', 'shmop_read', 'shm_get_var']);
const fileOperations: Readonly<Record<string, { what: Operation; at?: number }>> = {
  opendir: { what: 'list' }, scandir: { what: 'list' }, glob: { what: 'list' }, dir: { what: 'list' }, readfile: { what: 'read' }, highlight_file: { what: 'read' }, show_source: { what: 'read' }, fpassthru: { what: 'read' }, unlink: { what: 'delete' }, rmdir: { what: 'delete' }, chmod: { what: 'mode' }, chown: { what: 'mode' }, touch: { what: 'mode' }, rename: { what: 'rename' }, mkdir: { what: 'make' }, copy: { what: 'write', at: 1 }, symlink: { what: 'make', at: 1 }, chdir: { what: 'list' },
  mysql_query: { what: 'sql' }, mysqli_query: { what: 'sql', at: 1 }, mysqli_multi_query: { what: 'sql', at: 1 }, pg_query: { what: 'sql', at: 1 },
};

const tainted = (run: Run, node: Node, origin: Origin, hidden = 0): Value => ({ taints: [{ origin, place: run.place(node) }], hidden, template: origin === 'request' ? given : gap });

/** Undefined: it is none of these. Throws LimitError. */
export function builtin(run: Run, frame: Frame, name: string, args: readonly Value[], node: Node, how: Named): Value | undefined {
  const hidden = how.hidden ?? 0;
  const dangerous = codeFunctions.has(name) || commandFunctions.has(name);
  if (hidden !== 0 && dangerous) run.sign('hidden', 'high', node, { decoded: said(name, ...args), attack: ['T1027'] });
  else if ((hidden & (hiddenBy.decoded | hiddenBy.escaped)) !== 0 && lesserFunctions.has(name)) run.sign('hidden', 'medium', node, { decoded: said(name, ...args), attack: ['T1027'] });

  const operation = Object.hasOwn(fileOperations, name) ? fileOperations[name] : undefined;
  if (operation && args[operation.at ?? 0] && from(args[operation.at ?? 0]!, 'request')) run.operation(operation.what, node, args[operation.at ?? 0]);
  if (operation?.what === 'sql') sqlSink(run, args[operation.at ?? 0] ?? unknown, operation.at === undefined ? undefined : args[0], node);

  const kept = keptBy(run, name, args);
  if (kept) return kept;
  if (commandFunctions.has(name)) return command(run, frame, name, args, node, how);
  if (requestSources.has(name)) return tainted(run, node, 'request');
  if (databaseSources.test(name)) return tainted(run, node, 'database');
  if (remoteSources.has(name)) return tainted(run, node, 'remote');
  if (fileSources.has(name)) return tainted(run, node, 'file');
  if (isRequestFunction(name, args[0] && textOf(args[0]))) return tainted(run, node, 'request');
  const asked = askedForCrawler(run, name, args, node) ?? userFunction(run, name, args, node) ?? aboutItself(run, frame, name, args);
  if (asked && name !== 'preg_match') return asked;
  const callback = Object.hasOwn(callbacks, name) ? callbacks[name] : undefined;
  if (callback && args[callback.at]) return callCallback(run, frame, name, callback, args, node, how);

  switch (name) {
    case 'eval': return evaluateCode(run, frame, args[0] ?? unknown, node);
    case 'assert': return evaluateCode(run, frame, args[0] ?? unknown, node, true);
    case 'create_function': return createFunction(run, frame, args, node);
    case 'include': case 'require': case 'include_once': case 'require_once': return includeSink(run, frame, args[0] ?? unknown, node);
    case 'preg_replace': case 'preg_filter': return pregReplace(run, frame, name, args, node);
    case 'mb_ereg_replace': case 'mb_eregi_replace':
      if (args[3] && /e/.test(templateOf(args[3]))) replaceCode(run, frame, args[1] ?? unknown, args[2] ?? unknown, node);
      return unknownFrom(taintsOf(args));
    case 'preg_replace_callback': case 'mb_ereg_replace_callback': return replaceCallback(run, frame, args, node);
    case 'filter_var': {
      const options = args[2]?.array?.entries.get('options');
      if (options && (options.closure !== undefined || options.known !== undefined || options.taints.length > 0)) return callValue(run, frame, options, args.slice(0, 1), node, { callback: true });
      return undefined;
    }
    case 'get_defined_functions': { const one = tainted(run, node, 'listed'); return { ...unknown, array: { entries: new Map([['internal', one], ['user', unknown]]), next: 0, complete: true } }; }
    case 'sscanf': {
      const [text, form] = [args[0] && textOf(args[0]), args[1] && textOf(args[1])];
      const values = text === undefined || form === undefined ? [] : scanned(text.slice(0, 4000), form);
      for (const [i, target] of (how.argNodes ?? []).slice(2).entries()) assignTo(run, frame, target, values[i] ?? any(args[0]));
      return values.length > 0 ? listOf(values) : any(args[0]);
    }
    case 'stream_wrapper_register': register(run.wrappers, args[0], args[1]); return know(true);
    case 'stream_filter_register': register(run.filters, args[0], args[1]); return know(true);
    case 'stream_filter_append': case 'stream_filter_prepend': { const filter = makeFilter(run, args[1], args[3], node); if (filter && args[0]?.handle) args[0].handle.filter = filter; return unknown; }
    case 'stream_bucket_make_writeable': return nextBucket(args[0]);
    case 'define': { const key = args[0] && textOf(args[0]); if (key !== undefined && args[1]) run.constants.set(key, args[1]); return know(true); }
    case 'constant': { const key = args[0] && textOf(args[0]); return (key === undefined ? undefined : run.constants.get(key)) ?? unknown; }
    case 'extract': return extract(run, frame, args[0] ?? unknown, args[1] === undefined || args[1].known === 0);
    case 'import_request_variables': run.anyVariable = joinTaints(run.anyVariable, tainted(run, node, 'request').taints); return unknown;
    case 'parse_str': case 'mb_parse_str': return parseStr(run, frame, args, node, how);
    case 'compact': return { ...unknown, array: { entries: new Map(args.flatMap(choicesOf).map((key): [string, Value] => [key, namedVariable(run, frame, key, node)])), next: 0, complete: true } };
    case 'get_defined_vars': { const entries = new Map([...frame.scope].flatMap(([key, { value }]): [string, Value][] => (value ? [[key, value]] : []))); return { taints: [{ origin: 'request', place: run.place(node) }], hidden: 0, array: { entries, next: 0, complete: false } }; }
    case 'func_get_args': return listOf(frame.args);
    case 'func_get_arg': { const at = Number(args[0]?.known ?? 0); return frame.args[at] ?? unknown; }
    case 'getenv': case 'apache_getenv': { const key = args[0] && textOf(args[0]); if (key === 'HTTP_USER_AGENT' || key === 'HTTP_REFERER') { const one = tainted(run, node, 'request'); return { ...one, taints: [...one.taints, { origin: 'visitor', place: run.place(node) }] }; } return key !== undefined && /^(?:HTTP_(?!PROXY$)|QUERY_STRING$|REQUEST_URI$|PATH_INFO$)/.test(key) ? tainted(run, node, 'request') : unknown; }
    case 'unserialize': if (args[0] && from(args[0], 'request')) run.anyProperty = joinTaints(run.anyProperty, args[0].taints); return undefined;
    case 'tempnam': case 'tmpfile': case 'sys_get_temp_dir': return { ...namedGap(run.names++), ...(name === 'tmpfile' && { handle: { to: 'file', path: namedGap(run.names), mode: 'w+' } }) };
    case 'stream_get_meta_data': { const path = args[0]?.handle?.path; return path ? { ...unknown, array: { entries: new Map([['uri', path]]), next: 0, complete: false } } : unknown; }
    case 'readfile': { const all = read(run, args[0] ?? unknown, node); printed(run, all, node); return all; }
    case 'file': { const all = read(run, args[0] ?? unknown, node); const text = textOf(all); return text === undefined ? all : listOf(text.split(/(?<=\n)/).slice(0, itemsMax).map((line) => ({ known: line, taints: all.taints, hidden: all.hidden }))); }
    case 'file_get_contents': case 'stream_get_contents': case 'fread': case 'fgets': case 'fgetc': case 'fgetss': case 'fscanf': case 'stream_get_line': case 'fgetcsv': case 'php_strip_whitespace': case 'show_source': case 'highlight_file': case 'simplexml_load_file': return read(run, args[0] ?? unknown, node);
    case 'fopen': case 'bzopen': case 'gzopen': return open(run, args, node);
    case 'fsockopen': case 'pfsockopen': case 'stream_socket_client': return { ...unknown, handle: { to: 'socket', ...(args[0] && { path: args[0] }) }, template: `socket${gap}` };
    case 'socket_create': case 'socket_accept': case 'stream_socket_accept': return { ...unknown, handle: { to: 'socket' }, template: `socket${gap}` };
    case 'socket_connect': if (args[0]?.handle?.to === 'socket' && args[1]) args[0].handle.path = args[1]; return unknown;
    case 'socket_bind': case 'socket_listen': return unknown;
    case 'fwrite': case 'fputs': case 'socket_write': case 'gzwrite': return write(run, frame, args, node);
    case 'file_put_contents': writeSink(run, frame, args[0] ?? unknown, args[1] ?? unknown, node); return unknown;
    case 'move_uploaded_file': uploadSink(run, args[1] ?? unknown, node, args[0] && from(args[0], 'upload')); return unknown;
    case 'stream_copy_to_stream': { const [source = unknown, to = unknown] = args; return write(run, frame, [to, read(run, source, node)], node); }
    case 'error_log': if (args[1]?.known === 3 && args[0] && args[2]) writeSink(run, frame, args[2], args[0], node); return unknown;
    case 'header': headed(run, args[0] ?? unknown, node); return unknown;
    case 'imagecolorat': return { ...unknown, digits: tainted(run, node, 'file').taints };
    case 'getimagesize': { const more = how.argNodes?.[1]; if (more) assignTo(run, frame, more, tainted(run, node, 'file')); return unknown; }
    case 'trigger_error': case 'user_error': for (const { name: by, callee } of run.handlers.slice()) if (by === 'set_error_handler') callValue(run, frame, callee, [unknown, args[0] ?? unknown], node, { callback: true }); return unknown;
    case 'add_action': case 'add_filter': return hooked(run, frame, args, node);
    case 'imap_open': if (/-oProxyCommand/i.test(templateOf(args[0] ?? unknown))) run.sign('command', 'critical', node, { decoded: said(name, args[0]!), attack: ['T1059.004'] }); return unknown;
    case 'mysqli_connect': case 'mysql_connect': case 'pg_connect': return { ...unknown, object: { className: 'mysqli', properties: new Map(), made: args } };
    case 'curl_setopt': case 'curl_setopt_array': answered(run, frame, name === 'curl_setopt' ? [[args[1], args[2]]] : [...args[1]?.array?.entries ?? []].map(([key, value]) => [know(Number(key)), value]), node); if (name === 'curl_setopt') passwordLeaves(run, 'service', args[2] ?? unknown, node); return undefined;
    case 'wp_remote_post': case 'wp_remote_get': case 'wp_remote_request': passwordLeaves(run, 'service', args[1] ?? unknown, node); return undefined;
    case 'copy': case 'rename': return copy(run, frame, args, node);
    case 'mail': case 'mb_send_mail': { const extra = args[4]; if (extra && from(extra, 'request') && templateOf(extra).startsWith(given)) run.sign('command', 'high', node, { taint: from(extra, 'request')!, decoded: said('mail', ...args) });
      else if (extra && /(?:^|\s)-(?:X|be\b|OQueueDirectory)/.test(templateOf(extra))) run.sign('command', 'high', node, { decoded: said('mail', ...args), title: { zh: '借发邮件的程序写文件或执行命令', en: 'has the program that sends mail write a file or run a command' } });
      const [to = unknown, subject = unknown, body = unknown] = args;
      const taint = from(to, 'request');
      if (taint && [to, subject, body].every((one) => from(one, 'request') && templateOf(one).startsWith(given)) && args[3] && from(args[3], 'request')) run.sign('mail', 'high', node, { taint, decoded: said('mail', ...args.slice(0, 4)), attack: ['T1566'] });
      if (to.known !== undefined) passwordLeaves(run, 'mail', body, node);
      return unknown;
    }
    case 'putenv': if (args[0] && /^(?:LD_(?:PRELOAD|AUDIT)|GCONV_PATH)=/.test(templateOf(args[0]))) run.sign('command', 'high', node, { decoded: said('putenv', args[0]), attack: ['T1574.006'], title: { zh: '让随后启动的程序先加载指定的库，以绕过 PHP 对命令的限制', en: 'makes programs it starts load a library of its own, to get round what PHP may not run' } }); return unknown;
    case 'ini_set': case 'ini_alter': if (choicesOf(args[0] ?? unknown).some((key) => /^(?:auto_prepend_file|auto_append_file|allow_url_include)$/i.test(key)) && textOf(args[1] ?? unknown) !== '' && textOf(args[1] ?? unknown) !== '0') run.sign('handler', 'medium', node, { decoded: said(name, ...args) }); return unknown;
    case 'openssl_public_decrypt': case 'openssl_private_decrypt': { const out = how.argNodes?.[1]; if (out && args[0]) assignTo(run, frame, out, { ...unknownFrom(args[0].taints, hiddenBy.decoded | hiddenBy.packed), ...(from(args[0], 'request') && { template: given }) }); return unknown; }
    case 'phpinfo': return unknown;
    case 'session_start': if (run.session.size > 0) setVariable(run, frame, '_SESSION', { ...unknownFrom(taintsOf([...run.session.values()])), superglobal: '_SESSION', array: { entries: new Map(run.session), next: 0, complete: false } }); return unknown;
    case 'session_id': return unknown;
    case 'array_push': case 'array_unshift': pushTo(run, frame, name, args, node, how); return unknown;
    case 'array_shift': case 'array_pop': return shift(run, frame, name, args, node, how);
    case 'settype': return unknown;
    case 'preg_match': case 'preg_match_all': {
      const groups = how.argNodes?.[2];
      if (groups && args[1]) assignTo(run, frame, groups, matches(args, name === 'preg_match') ?? { ...unknownFrom(args[1].taints), ...(from(args[1], 'request') && { template: given }) });
      return asked ?? unknown;
    }
    case 'str_ireplace': case 'str_replace': return undefined;
    case 'random_bytes': case 'openssl_random_pseudo_bytes': return unknown;
    case 'spl_object_hash': case 'phpversion': case 'php_sapi_name': return unknown;
    case 'php_uname': return know('Linux');
    case 'function_exists': case 'is_callable': case 'method_exists': case 'class_exists': case 'defined': return unknown;
    case 'bin2hex': { const text = args[0] && textOf(args[0]); return text === undefined ? unknown : know(hexOf(text)); }
    case 'var_dump': case 'printf': case 'vprintf': case 'print_r': for (const one of args) printed(run, one, node); return name === 'print_r' ? undefined : unknown;
    default: return undefined;
  }
}

/** What another machine answers goes to the functions that curl was given. */
function answered(run: Run, frame: Frame, options: readonly (readonly [Value | undefined, Value | undefined])[], node: Node): void {
  for (const [key, callee] of options.slice(0, 100)) if (key && callee && curlCallbacks.has(Number(key.known))) callValue(run, frame, callee, [unknown, tainted(run, node, 'remote')], node, { callback: true });
}

function command(run: Run, frame: Frame, name: string, args: readonly Value[], node: Node, how: Named): Value {
  if (name === 'pcntl_exec') {
    const list: Value = { ...unknownFrom(taintsOf(args)), array: { entries: new Map([['0', args[0] ?? unknown], ...[...(args[1]?.array?.entries.values() ?? args.slice(1))].map((one, i): [string, Value] => [String(i + 1), one])]), next: 0, complete: true } };
    return commandSink(run, frame, name, [list], node);
  }
  if (name === 'proc_open') {
    const descriptors = args[1];
    if (descriptors?.array && [...descriptors.array.entries.values()].some(({ handle }) => handle?.to === 'socket')) run.sign('connect', 'critical', node, { decoded: said(name, args[0] ?? unknown), attack: ['T1059'] });
    const pipe: Value = { ...unknown, handle: { to: 'process', path: args[0] ?? unknown } };
    const target = how.argNodes?.[2];
    if (target) assignTo(run, frame, target, listOf([pipe, pipe, pipe]));
  }
  commandSink(run, frame, name, args, node);
  return name === 'popen' ? { ...unknown, handle: { to: 'process', path: args[0] ?? unknown } } : unknown;
}

function callCallback(run: Run, frame: Frame, name: string, { at, of, items }: (typeof callbacks)[string], args: readonly Value[], node: Node, how: Named): Value | undefined {
  const callee = args[at]!;
  const call = (given_: readonly Value[]): Value => callValue(run, frame, callee, given_, node, { callback: true });
  const subject = items === undefined ? undefined : args[items];
  switch (of) {
    case 'rest': return call(args.slice(at + 1));
    case 'list': return call(subject?.array ? [...subject.array.entries.values()] : [any(subject)]);
    case 'output': {
      for (const text of choicesOf(callee)) if (codeFunctions.has(text.toLowerCase()) || commandFunctions.has(text.toLowerCase())) run.sign('callback', 'high', node, { decoded: said(name, callee) });
      if (from(callee, 'request') && callee.template === given) run.sign('callback', 'high', node, { taint: from(callee, 'request')! });
      if (run.handlers.length < handlersMax) run.handlers.push({ name, callee, node });
      if (callee.closure) call([unknown]);
      return unknown;
    }
    case 'pairs': {
      // Sorting calls it with any two: with the first and last, where order tells which is which.
      const values = subject?.array ? [...subject.array.entries.values()] : [];
      const one = values.length > 0 ? values.slice(0, 32).reduce((a, b) => merge(a, b)!) : any(subject);
      if (name === 'array_reduce' && subject?.array?.complete && values.length <= itemsMax) return values.reduce((carry, value) => call([carry, value]), args[2] ?? know(null));
      const keyed = name === 'uksort' || name.endsWith('_ukey') ? { ...unknownFrom(subject?.taints ?? []), ...(from(subject ?? unknown, 'request') ? { template: given } : keyOfOnly(subject)) } : one;
      call([keyed, keyed]);
      if (values.length > 1 && values.length <= 8) { call([values[0]!, values.at(-1)!]); call([values.at(-1)!, values[0]!]); }
      return unknown;
    }
    case 'items': return each(run, frame, name, callee, subject, args, node, how);
  }
}

const keyOfOnly = (value: Value | undefined): Partial<Value> => { const [key] = value?.array?.entries.keys() ?? []; return key === undefined ? {} : { known: key }; };
const any = (value: Value | undefined): Value => (value ? { ...unknownFrom(value.taints), ...(from(value, 'request') && { template: given }) } : unknown);

function each(run: Run, frame: Frame, name: string, callee: Value, subject: Value | undefined, args: readonly Value[], node: Node, how: Named): Value {
  const extra = name === 'array_map' ? undefined : args[2];
  const array = subject?.superglobal === undefined ? subject?.array : undefined;
  if (array?.complete && array.entries.size <= itemsMax) {
    const lists = name === 'array_map' ? args.slice(2).map((one) => [...(one.array?.entries.values() ?? [])]) : [];
    const out = new Map<string, Value>();
    let i = 0;
    for (const [key, value] of array.entries) {
      const result = callValue(run, frame, callee, name === 'array_map' ? [value, ...lists.map((list) => list[i] ?? know(null))] : name === 'array_filter' ? [value] : [value, know(key), ...(extra ? [extra] : [])], node, { callback: true });
      out.set(key, name === 'array_map' ? result : value);
      i++;
    }
    return { ...unknownFrom(taintsOf([...out.values()])), array: { entries: out, next: array.next, complete: name === 'array_map' } };
  }
  void how;
  const one = subject ? elementOf(run, frame, subject, unknown, node) : unknown;
  const result = callValue(run, frame, callee, name === 'array_walk' || name === 'array_walk_recursive' ? [one, any(subject), ...(extra ? [extra] : [])] : [one, ...(name === 'array_map' ? args.slice(2).map(any) : [])], node, { callback: true });
  return name === 'array_map' ? { ...unknownFrom(joinTaints(result.taints, from(subject ?? unknown, 'request') && result.known === undefined ? result.taints : [])), ...(result.template !== undefined && { template: result.template }) } : unknownFrom(subject?.taints ?? []);
}

function createFunction(run: Run, frame: Frame, args: readonly Value[], node: Node): Value {
  const [parameters = unknown, body = unknown] = args;
  const [names, code] = [textOf(parameters), textOf(body)];
  if (names !== undefined && code !== undefined) return runLayer(run, frame, `return function(${names}) {${code}};`, body, node);
  codeSink(run, { ...body, taints: taintsOf(args), known: undefined }, node);
  return unknownFrom(taintsOf(args));
}

function pregReplace(run: Run, frame: Frame, name: string, args: readonly Value[], node: Node): Value | undefined {
  const [what = unknown, by = unknown, subject = unknown] = args;
  const patterns = what.array ? [...what.array.entries.values()].flatMap(choicesOf) : choicesOf(what);
  if (patterns.some((text) => /[a-zA-Z]*e[a-zA-Z]*$/.test(flagsOf(text)))) {
    replaceCode(run, frame, by.array ? elementOf(run, frame, by, unknown, node) : by, subject, node);
    return unknownFrom(taintsOf(args));
  }
  // A visitor who gives both pattern and replacement gives the /e with it.
  const taint = from(what, 'request');
  if (taint && what.template === given && from(by, 'request') && by.template === given) run.sign('code', 'critical', node, { taint, decoded: said(name, ...args) });
  else if (from(what, 'file') && from(by, 'file')) run.sign('code', 'high', node, { taint: from(what, 'file')!, decoded: said(name, ...args) });
  return undefined;
}

const flagsOf = (text: string): string => { const open = text.trimStart().charAt(0); const close = ({ '(': ')', '[': ']', '{': '}', '<': '>' })[open] ?? open; return open === '' || /\w|\\/.test(open) ? '' : text.slice(text.lastIndexOf(close) + 1).trim(); };

function replaceCallback(run: Run, frame: Frame, args: readonly Value[], node: Node): Value {
  const [what = unknown, callee = unknown, subject = unknown] = args;
  const [regex, text] = [textOf(what), textOf(subject)];
  const compiled = regex !== undefined && regex.length < 500 && text !== undefined && text.length < 65_536 ? pattern(regex) : undefined;
  if (!compiled || text === undefined) {
    const match: Value = { ...any(subject), hidden: subject.hidden };
    const result = callValue(run, frame, callee, [match], node, { callback: true });
    return { taints: joinTaints(subject.taints, result.taints), hidden: subject.hidden | result.hidden, ...(from(subject, 'request') && { template: given }) };
  }
  const matcher = compiled.regex.matcher(text);
  let out = '';
  let last = 0;
  let bits: number = hiddenBy.joined;
  for (let n = 0; n < itemsMax && matcher.find(); n++) {
    const groups = Array.from({ length: matcher.groupCount() + 1 }, (_, i) => ({ known: matcher.group(i) ?? '', taints: subject.taints, hidden: subject.hidden }));
    const result = callValue(run, frame, callee, [listOf(groups)], node, { callback: true });
    const by = textOf(result);
    if (by === undefined) return unknownFrom(joinTaints(subject.taints, result.taints));
    bits |= result.hidden;
    out += text.slice(last, matcher.start()) + by;
    last = matcher.end();
    run.budget.text(by.length);
  }
  return { known: out + text.slice(last), taints: subject.taints, hidden: subject.hidden | bits };
}

function matches(args: readonly Value[], first: boolean): Value | undefined {
  const [regex, text] = [args[0] && textOf(args[0]), args[1] && textOf(args[1])];
  if (regex === undefined || text === undefined || regex.length > 500 || text.length > 65_536) return undefined;
  const matcher = pattern(regex)?.regex.matcher(text);
  if (!matcher) return undefined;
  const groups: Value[][] = [];
  for (let n = 0; n < itemsMax && matcher.find(); n++) {
    for (let i = 0; i <= matcher.groupCount(); i++) (groups[i] ??= []).push(know(matcher.group(i) ?? '', hiddenBy.joined));
    if (first) break;
  }
  return listOf(first ? groups.map(([one]) => one!) : groups.map(listOf));
}

function extract(run: Run, frame: Frame, value: Value, overwrites: boolean): Value {
  if (value.array?.complete && value.superglobal === undefined) for (const [key, one] of value.array.entries) setVariable(run, frame, key, one);
  else if (from(value, 'request')) {
    run.anyVariable = joinTaints(run.anyVariable, value.taints);
    // What was set before may be another's now.
    const sent: Value = { ...unknownFrom(value.taints), template: given };
    if (overwrites) for (const [key, cell] of [...frame.scope].slice(0, itemsMax)) if (!superglobals.has(key) && cell.value && !cell.value.array) run.set(cell, merge(cell.value, sent));
  }
  return unknown;
}

function parseStr(run: Run, frame: Frame, args: readonly Value[], _: Node, how: Named): Value {
  const [query = unknown] = args;
  const text = textOf(query);
  const into = how.argNodes?.[1];
  if (text !== undefined) {
    const pairs = queryVariables(text);
    if (into) assignTo(run, frame, into, { ...unknown, array: { entries: new Map(pairs), next: 0, complete: true } });
    else for (const [key, value] of pairs) setVariable(run, frame, key, value);
  } else if (into) assignTo(run, frame, into, any(query));
  else if (from(query, 'request')) run.anyVariable = joinTaints(run.anyVariable, query.taints);
  return unknown;
}

function read(run: Run, path: Value, node: Node): Value {
  const { handle } = path;
  return handle ? filtered(run, handle.filter, readHandle(run, handle, node), node) : readSource(run, path, node);
}

function readHandle(run: Run, handle: Handle, node: Node): Value {
  switch (handle.to) {
    case 'socket': return tainted(run, node, 'remote');
    case 'request': return tainted(run, node, 'request');
    case 'itself': return know(run.source);
    case 'file': return handle.path ? readSource(run, handle.path, node) : unknown;
    case 'process': return unknown;
  }
}

function open(run: Run, args: readonly Value[], node: Node): Value {
  const [path = unknown, mode = unknown] = args;
  const how = textOf(mode) ?? 'r';
  if (from(path, 'request') && !/[waxc+]/.test(how)) run.operation('read', node, path);
  if (path.template === ownPath) return { ...unknown, handle: { to: 'itself' } };
  return { ...unknown, handle: { to: templateOf(path).toLowerCase().startsWith('php://input') ? 'request' : 'file', path, mode: how } };
}

function write(run: Run, frame: Frame, args: readonly Value[], node: Node): Value {
  const [to = unknown, put = unknown] = args;
  const data = filtered(run, to.handle?.filter, put, node);
  if (to.handle?.to === 'process') {
    const taint = from(data, 'request', 'remote');
    if (taint && /(?:^|[\s/])(?:(?:ba|da|z)?sh|cmd|powershell|php|perl|python)/.test(templateOf(to.handle.path ?? unknown))) run.sign(taint.origin === 'remote' ? 'connect' : 'command', 'critical', node, { taint, attack: ['T1059'] });
  } else if (to.handle?.to === 'socket' && to.handle.path && from(to.handle.path, 'request') && from(data, 'request') && /^[\ue000\ue001]+$/.test(templateOf(data))) {
    run.sign('connect', 'high', node, { taint: from(to.handle.path, 'request')!, attack: ['T1090'], title: { zh: '把这台服务器当跳板：访问者指定要连的机器并与它收发数据', en: 'is a tunnel: a visitor names a machine to connect to, and speaks with it through this server' } });
  } else if (to.handle?.to === 'file' && to.handle.path && /[waxc+]/.test(to.handle.mode ?? '')) writeSink(run, frame, to.handle.path, data, node);
  return unknown;
}

function copy(run: Run, frame: Frame, args: readonly Value[], node: Node): Value {
  const [source = unknown, to = unknown] = args;
  if (from(source, 'upload')) uploadSink(run, to, node, from(source, 'upload'));
  else if (/^(?:https?|ftp|data|php):/i.test(templateOf(source)) || from(source, 'request')) writeSink(run, frame, to, readSource(run, source, node), node);
  return unknown;
}

function pushTo(run: Run, frame: Frame, name: string, args: readonly Value[], _: Node, how: Named): void {
  const target = how.argNodes?.[0];
  const [list, ...more] = args;
  if (!target || !list) return;
  const values = list.array?.complete ? [...list.array.entries.values()] : undefined;
  assignTo(run, frame, target, values && values.length < itemsMax ? listOf(name === 'array_push' ? [...values, ...more] : [...more, ...values]) : unknownFrom(taintsOf(args)));
}

function shift(run: Run, frame: Frame, name: string, args: readonly Value[], node: Node, how: Named): Value {
  const target = how.argNodes?.[0];
  const value = compute(name, args, run.budget) ?? (args[0] ? elementOf(run, frame, args[0], unknown, node) : unknown);
  const list = args[0]?.array?.complete ? [...args[0].array.entries.values()] : undefined;
  if (target && list) assignTo(run, frame, target, listOf(name === 'array_shift' ? list.slice(1) : list.slice(0, -1)));
  return value;
}

