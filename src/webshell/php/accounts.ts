/** Accounts: administrators that a page makes, hides or logs on as, and passwords that it takes. */
import { callValue } from './calls.ts';
import type { Node } from './parse.ts';
import type { Frame, Run } from './run.ts';
import { said } from './sinks.ts';
import { choicesOf, from, gap, given, know, listOf, templateOf, textOf, unknown, type Value } from './value.ts';

const titles = {
  makes: { zh: '悄悄建立网站管理员', en: 'makes an administrator of the site' },
  hides: { zh: '把某个用户从后台的用户列表里藏起来', en: 'hides a user from the list of the site\'s users' },
  becomes: { zh: '不用密码就以固定的用户登录后台', en: 'logs on as a fixed user of the site without a password' },
  takes: { zh: '把登录密码存到文本或发往别处', en: 'keeps log-on passwords in a text or sends them elsewhere' },
};
const attack = ['T1136', 'T1078'];

/** Which argument of a hook of WordPress is the password that was typed in. */
const passwordAt: Readonly<Record<string, number>> = { wp_authenticate: 1, authenticate: 2, wp_authenticate_user: 1, check_password: 1, wp_login_failed: 2 };

/** add_action, add_filter: called by WordPress later with what the hook gives. */
export function hooked(run: Run, frame: Frame, args: readonly Value[], node: Node): Value {
  const [hook = unknown, callee = unknown] = args;
  const name = textOf(hook);
  const taint = from(callee, 'request');
  if (taint && callee.template === given) run.sign('callback', 'high', node, { taint, decoded: said('add_filter', hook, callee) });
  const at = name === undefined ? undefined : passwordAt[name];
  const password: Value = { ...unknown, taints: [{ origin: 'logon', place: run.place(node) }], template: gap };
  callValue(run, frame, callee, [0, 1, 2].map((i) => (i === at ? password : unknown)), node, { callback: true });
  if (name === 'pre_user_query' && /user_login\s*(?:!=|<>|NOT\b)|\bID\s*(?:!=|<>|NOT\b)/i.test(run.source)) run.sign('account', 'high', node, { title: titles.hides, attack: ['T1564.002'] });
  return unknown;
}

/** WordPress's own functions about users. Undefined: none of these. */
export function userFunction(run: Run, name: string, args: readonly Value[], node: Node): Value | undefined {
  const [first = unknown, second = unknown] = args;
  switch (name) {
    case 'wp_create_user': return fixed(first) && fixed(second) ? userOf(know(1), 'made') : unknown;
    case 'wp_insert_user': case 'wp_update_user': {
      const role = first.array?.entries.get('role');
      const password = first.array?.entries.get('user_pass');
      if (name === 'wp_insert_user' && role && textOf(role) === 'administrator' && password && fixed(password)) run.sign('account', 'high', node, { title: titles.makes, attack });
      return unknown;
    }
    case 'get_users': return first.array && [...first.array.entries].some(([key, value]) => (key.startsWith('role') && mentions(value, 'administrator')) || key === 'include' && fixed(value)) ? listOf([userOf(know(1), 'found')]) : undefined;
    case 'get_user_by': case 'get_userdata': return fixed(name === 'get_user_by' ? second : first) ? userOf(know(1), 'found') : undefined;
    case 'wp_set_auth_cookie': if (fixed(first)) run.sign('account', 'high', node, { title: titles.becomes, decoded: said(name, first), attack: ['T1078'] }); return unknown;
    default: return undefined;
  }
}

/** Methods of WordPress's user. */
export function userMethod(run: Run, className: string, made: readonly Value[], method: string, args: readonly Value[], node: Node): void {
  if (/^wp_user$/i.test(className) && /^(?:set_role|add_role)$/.test(method) && args[0] && textOf(args[0]) === 'administrator' && (made[0]?.object?.className === 'WP_User made' || made[0]?.known !== undefined)) run.sign('account', 'high', node, { title: titles.makes, attack });
}

/** Written in the source, not asked for. */
const fixed = (value: Value): boolean => value.known !== undefined && value.known !== null && value.known !== '' && value.known !== 0 && value.known !== false;
const mentions = (value: Value, word: string): boolean => choicesOf(value).includes(word) || [...value.array?.entries.values() ?? []].some((one) => textOf(one) === word);
const userOf = (id: Value, how: 'made' | 'found'): Value => ({ ...unknown, object: { className: `WP_User ${how}`, properties: new Map([['ID', { value: id }], ['id', { value: id }]]), made: [id] } });

/** A statement of SQL that gives a user of the site all rights. */
export function accountSql(run: Run, sql: Value, node: Node): void {
  const text = templateOf(sql).slice(0, 4000);
  if (/insert\s+into\s[^(]{0,100}usermeta[\s\S]{0,600}administrator/i.test(text)) run.sign('account', 'high', node, { title: titles.makes, attack });
}

/** What was typed in as a password leaves for `where`: a text, a mail, another machine. */
export function passwordLeaves(run: Run, where: 'text' | 'mail' | 'address' | 'service', data: Value, node: Node): void {
  const taint = from(data, 'logon') ?? (where === 'service' ? undefined : from(data, 'password'));
  if (taint) run.sign('account', 'high', node, { taint, title: titles.takes, attack: ['T1056.003'] });
}
