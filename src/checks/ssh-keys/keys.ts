/** Lines of authorized_keys: options, kind and size of the key, comment. */
import type { Text } from '../../core/text.ts';
import { createHash } from 'node:crypto';

export interface Key {
  line: number;
  text: string;
  /** Lower-case names; the value where there is one. */
  options: readonly { name: string; value: string | undefined }[];
  /** `ssh-ed25519` and the like. */
  type: string;
  /** Of an RSA or DSA key; undefined for others. */
  bits: number | undefined;
  /** As ssh-keygen -l shows it: `SHA256:…`. */
  fingerprint: string;
  comment: string;
}

const types = /^(?:ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-nistp(?:256|384|521)|sk-(?:ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com|(?:ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-nistp(?:256|384|521))-cert-v01@openssh\.com)$/;

/** A key line; undefined for one that sshd would not take. */
export function keyOf(text: string, line: number): Key | undefined {
  const { first, rest } = firstWord(text.trim());
  let options: Key['options'] = [];
  let type = first;
  let after = rest;
  if (!types.test(type)) {
    options = optionsOf(first);
    ({ first: type, rest: after } = firstWord(rest));
    if (!types.test(type)) return undefined;
  }
  const { first: blob, rest: comment } = firstWord(after);
  if (!/^[A-Za-z0-9+/]{20,}={0,2}$/.test(blob)) return undefined;
  const bytes = Buffer.from(blob, 'base64');
  if (field(bytes, 0)?.toString('latin1') !== type) return undefined;
  return { line, text, options, type, bits: bitsOf(type, bytes), fingerprint: `SHA256:${createHash('sha256').update(bytes).digest('base64').replace(/=+$/, '')}`, comment: comment.trim() };
}

/** The first word of a line in which quotes may hold blanks. */
function firstWord(text: string): { first: string; rest: string } {
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === '\\' && text[i + 1] === '"') i++;
    else if (c === '"') quoted = !quoted;
    else if (!quoted && (c === ' ' || c === '\t')) return { first: text.slice(0, i), rest: text.slice(i).trimStart() };
  }
  return { first: text, rest: '' };
}

function optionsOf(text: string): { name: string; value: string | undefined }[] {
  const out: { name: string; value: string | undefined }[] = [];
  let from = 0;
  let quoted = false;
  for (let i = 0; i <= text.length && out.length < 100; i++) {
    const c = text[i];
    if (c === '\\' && text[i + 1] === '"') i++;
    else if (c === '"') quoted = !quoted;
    else if (c === undefined || (!quoted && c === ',')) {
      const option = text.slice(from, i);
      from = i + 1;
      const equals = option.indexOf('=');
      const value = equals < 0 ? undefined : option.slice(equals + 1).replace(/^"|"$/g, '').replaceAll('\\"', '"');
      if (option !== '') out.push({ name: (equals < 0 ? option : option.slice(0, equals)).toLowerCase(), value });
    }
  }
  return out;
}

/** A length in four bytes, then that many. */
function field(bytes: Buffer, index: number): Buffer | undefined {
  let at = 0;
  for (let i = 0; ; i++) {
    if (at + 4 > bytes.length) return undefined;
    const length = bytes.readUInt32BE(at);
    if (length > bytes.length - at - 4) return undefined;
    if (i === index) return bytes.subarray(at + 4, at + 4 + length);
    at += 4 + length;
  }
}

/** RSA keeps its modulus in the third field, DSA its prime in the second. */
function bitsOf(type: string, bytes: Buffer): number | undefined {
  const number = type === 'ssh-rsa' ? field(bytes, 2) : type === 'ssh-dss' ? field(bytes, 1) : undefined;
  if (!number) return undefined;
  const start = number.findIndex((byte) => byte !== 0);
  return start < 0 ? 0 : (number.length - start) * 8 - Math.clz32(number[start]!) + 24;
}

/** Comments that attackers left in keys, by what public reports on honeypots and botnets say of them. */
export function attackersComment(comment: string): Text | undefined {
  const plain = comment.toLowerCase();
  for (const [mark, en, zh] of attackers) if (plain === mark || plain.split(/\s+/).includes(mark)) return { zh, en };
  return undefined;
}

const attackers: readonly (readonly [mark: string, en: string, zh: string])[] = [
  ['mdrfckr', 'Outlaw / Dota (IRC bots and miners, spread by guessed SSH passwords)', 'Outlaw / Dota（靠猜 SSH 密码传播的 IRC 僵尸程序和挖矿程序）'],
  ['hilde@teamtnt.red', 'TeamTNT (Docker, Redis and cloud credentials)', 'TeamTNT（瞄准 Docker、Redis 和云凭据）'],
  ['redis@redis.io', 'Redis attacks that write authorized_keys', '借 Redis 写入 authorized_keys 的攻击'],
  ['crackit', 'Redis attacks that write authorized_keys', '借 Redis 写入 authorized_keys 的攻击'],
];

/** Distributions made for breaking in. */
export const attackHost = (comment: string): boolean => /@(?:kali|parrot|blackarch|backbox)(?:$|[\s.-])/i.test(comment);
