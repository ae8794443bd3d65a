/** How frameworks hand a visitor's data on: Laravel, Symfony, ThinkPHP, CodeIgniter, Yii, WordPress. */
import { isNode, type Node } from './parse.ts';
import { textIn } from './expressions.ts';

/** Methods of a request whose answer a visitor sent. */
const readers = new Set('input query post get put patch delete param params cookie cookies header headers all only except json string str any value getcontent getbody getparsedbody getqueryparams getcookieparams getheader getheaderline get_param get_params get_json_params get_body_params get_query_params get_body get_header getpost getget getpostget getgetpost getvar getstring getraw getcmd getbase64 getcookie getjson getrawinput getparam getparams getrawbody getbodyparam getbodyparams getqueryparam getuseragent useragent rawbody raw_input_stream input_stream get_post post_get user_agent server route segment file'.split(' '));
/** Parts of a request that hold such methods themselves. */
const parts = new Set(['query', 'request', 'cookies', 'headers', 'attributes', 'files', 'server', 'input', 'post', 'payload']);

export const readsRequest = (method: string): boolean => readers.has(method.toLowerCase());
/** Request, ServerRequestInterface, WP_REST_Request, the facades Request and Input. */
export const isRequestClass = (name: string): boolean => /(?:^|[\\_]|[a-z])Request(?:Interface)?$|^(?:.*\\)?Input$/.test(name);

/** $request, $this->request, $request->query, request(), Yii::$app->request. */
export function isRequest(node: unknown, depth = 0): boolean {
  if (!isNode(node) || depth > 4) return false;
  switch (node.kind) {
    case 'variable': return typeof node.name === 'string' && /^(?:req|request)$/i.test(node.name);
    case 'propertylookup': case 'nullsafepropertylookup': {
      const part = textIn(node.offset);
      return /^(?:request|input)$/.test(part) && (isThis(node.what) || isNode(node.what) && (node.what.kind === 'staticlookup' || isApplication(node.what))) || parts.has(part) && isRequest(node.what, depth + 1);
    }
    case 'call': return isNode(node.what) && (node.what.kind === 'name' && /^\\?request$/i.test(textIn(node.what)) && (!Array.isArray(node.arguments) || node.arguments.length === 0) || node.what.kind === 'propertylookup' && (/^(?:getrequest|request)$/i.test(textIn(node.what.offset)) || /^getinput$/i.test(textIn(node.what.offset)) && isApplication(node.what.what)));
    default: return false;
  }
}
/** Joomla's application: Factory::getApplication(), $app, $this->app. */
const isApplication = (node: unknown): boolean => isNode(node) && (node.kind === 'call' ? isNode(node.what) && node.what.kind.endsWith('lookup') && /^getapplication$/i.test(textIn(node.what.offset)) : node.kind === 'variable' ? node.name === 'app' : node.kind === 'propertylookup' && textIn(node.offset) === 'app' && isThis(node.what));
const isThis = (node: unknown): boolean => isNode(node) && node.kind === 'variable' && node.name === 'this';

/** ThinkPHP's input('post.x') and I('post.x'), Laravel's request('x'), Yii's helpers; `first` is what they are asked for. */
export const isRequestFunction = (name: string, first: string | undefined): boolean => first !== undefined && (name === 'input' || name === 'i' && /^(?:get|post|request|param|put|cookie|server|session|path|data)\./i.test(first) || name === 'request' && first !== '');

/** The class a parameter is declared with. */
export const typeOf = (parameter: Node): string => (isNode(parameter.type) ? textIn(parameter.type) : '');

/** The container of a framework, whose methods call what they are told: app(), App::, Container::getInstance(), $this->app. */
export function isContainer(node: unknown): boolean {
  if (!isNode(node)) return false;
  if (node.kind === 'name') return /^\\?(?:.*\\)?(?:App|Container)$/.test(textIn(node));
  if (node.kind === 'call') return isNode(node.what) && (node.what.kind === 'name' ? /^\\?app$/i.test(textIn(node.what)) : node.what.kind === 'staticlookup' && isContainer(node.what.what));
  return node.kind === 'propertylookup' && textIn(node.offset) === 'app' && isThis(node.what);
}
