/**
 * Elements of nftables sets, by netlink (linux/netfilter/nf_tables.h): nft itself reads a whole set before it changes or shows one
 * element of it, which takes seconds for a large one, and its `get element` falls over some hundred at a time.
 */
import { closeSync, openSync } from 'node:fs';
import { MoatError } from '../../core/error.ts';
import { errorName, loadKoffi, openLibrary, type NativeErrorCode } from '../native.ts';
import type { FirewallErrorCode } from './firewall.ts';

/** `key`: 4 or 16 bytes. `timeoutMs`: 0 or undefined for ever. */
export interface NewElement { key: Uint8Array; timeoutMs?: number | undefined }
export interface Element { key: Uint8Array; /** What is left of its time, ms. */ expiresMs: number | undefined; packets: number | undefined; bytes: number | undefined }

export interface Rule { chain: string; comment: string | undefined; packets: number | undefined }

/** One change of a set; several make one transaction. */
export type Change = { do: 'add' | 'delete'; set: string; elements: readonly NewElement[] } | { do: 'flush'; set: string };

export interface Elements {
  /** All or nothing. Throws MoatError 'firewall'. */
  change(changes: readonly Change[]): void;
  /** Which of these keys stand in the set; true for each that does. */
  has(set: string, keys: readonly Uint8Array[]): boolean[];
  list(set: string): Element[];
  /** The rules of the whole table, in order: nft shows none without reading all elements of all sets first. `packets`: of its first counter. */
  rules(): Rule[];
  close(): void;
}

const netlinkFamily = 16, rawSocket = 3, closeOnExec = 0o2000000, netfilter = 12;
const socketLevel = 1, receiveTimeout = 20, sendBufferForce = 32, receiveBufferForce = 33;
const newNetwork = 0x4000_0000;
const inetFamily = 1, subsystem = 10;
const batchBegin = 0x10, batchEnd = 0x11;
const newElement = (subsystem << 8) | 12, getElement = (subsystem << 8) | 13, deleteElement = (subsystem << 8) | 14;
const getRule = (subsystem << 8) | 7;
const request = 0x1, acknowledge = 0x4, dump = 0x300, create = 0x400;
const errorMessage = 2, doneMessage = 3;
const notThere = 2;
const nested = 0x8000;
/** Attribute numbers. */
const listTable = 1, listSet = 2, listElements = 3, elementKey = 1, elementTimeout = 4, elementExpiration = 5, elementExpression = 7, elementExpressions = 11, dataValue = 1, expressionData = 2, counterBytes = 1, counterPackets = 2;
const ruleTable = 1, ruleChain = 2, ruleExpressions = 4, ruleUserData = 7, expressionName = 1;
const commentRecord = 0;
const anyAttribute = 0x3fff;
/** An attribute holds 64 KiB. */
const perMessage = 1000;
const perQuestion = 64;
const bufferBytes = 64 << 20;

function attribute(type: number, ...parts: readonly Uint8Array[]): Buffer {
  const length = 4 + parts.reduce((sum, part) => sum + part.length, 0);
  const out = Buffer.alloc((length + 3) & ~3);
  out.writeUInt16LE(length, 0);
  out.writeUInt16LE(type, 2);
  let at = 4;
  for (const part of parts) { out.set(part, at); at += part.length; }
  return out;
}

const text = (type: number, value: string): Buffer => attribute(type, Buffer.from(`${value}\0`));

function message(type: number, flags: number, seq: number, body: readonly Uint8Array[], resource = 0, family = inetFamily): Buffer {
  const length = 20 + body.reduce((sum, part) => sum + part.length, 0);
  const out = Buffer.alloc(length);
  out.writeUInt32LE(length, 0);
  out.writeUInt16LE(type, 4);
  out.writeUInt16LE(flags | request, 6);
  out.writeUInt32LE(seq, 8);
  out[16] = family;
  out.writeUInt16BE(resource, 18);
  let at = 20;
  for (const part of body) { out.set(part, at); at += part.length; }
  return out;
}

function elementAttribute({ key, timeoutMs }: NewElement): Buffer {
  const parts = [attribute(elementKey | nested, attribute(dataValue, key))];
  if (timeoutMs) {
    const ms = Buffer.alloc(8);
    ms.writeBigUInt64BE(BigInt(timeoutMs));
    parts.push(attribute(elementTimeout, ms));
  }
  return attribute(1 | nested, ...parts);
}

/** Attributes of a message by number; undefined when they are not well formed. */
function attributes(bytes: Buffer): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (let at = 0; at + 4 <= bytes.length;) {
    const length = bytes.readUInt16LE(at);
    if (length < 4 || at + length > bytes.length) break;
    found.set(bytes.readUInt16LE(at + 2) & anyAttribute, bytes.subarray(at + 4, at + length));
    at += (length + 3) & ~3;
  }
  return found;
}

function* listed(bytes: Buffer): Iterable<Buffer> {
  for (let at = 0; at + 4 <= bytes.length;) {
    const length = bytes.readUInt16LE(at);
    if (length < 4 || at + length > bytes.length) return;
    yield bytes.subarray(at + 4, at + length);
    at += (length + 3) & ~3;
  }
}

const big = (bytes: Buffer | undefined): number | undefined => (bytes?.length === 8 ? Number(bytes.readBigUInt64BE()) : undefined);

function readElement(bytes: Buffer): Element | undefined {
  const of = attributes(bytes);
  const key = attributes(of.get(elementKey) ?? Buffer.alloc(0)).get(dataValue);
  if (key === undefined) return undefined;
  // One expression stands alone, several in a list.
  const [first] = listed(of.get(elementExpressions) ?? Buffer.alloc(0));
  const counter = attributes(attributes(of.get(elementExpression) ?? first ?? Buffer.alloc(0)).get(expressionData) ?? Buffer.alloc(0));
  return { key: Uint8Array.from(key), expiresMs: big(of.get(elementExpiration)), packets: big(counter.get(counterPackets)), bytes: big(counter.get(counterBytes)) };
}

const textOf = (bytes: Buffer | undefined): string => (bytes ?? Buffer.alloc(0)).toString('utf8').replace(/\0.*$/s, '');

/** Undefined for a rule of another table. */
function readRule(bytes: Buffer, table: string): Rule | undefined {
  const of = attributes(bytes);
  if (textOf(of.get(ruleTable)) !== table) return undefined;
  const rule: Rule = { chain: textOf(of.get(ruleChain)), comment: undefined, packets: undefined };
  for (const one of listed(of.get(ruleExpressions) ?? Buffer.alloc(0))) {
    const expression = attributes(one);
    if (textOf(expression.get(expressionName)) === 'counter') rule.packets ??= big(attributes(expression.get(expressionData) ?? Buffer.alloc(0)).get(counterPackets));
  }
  // Records of nft's own: kind, length, content.
  const data = of.get(ruleUserData) ?? Buffer.alloc(0);
  for (let at = 0; at + 2 <= data.length; at += 2 + (data[at + 1] ?? 0)) if (data[at] === commentRecord) rule.comment = textOf(data.subarray(at + 2, at + 2 + (data[at + 1] ?? 0)));
  return rule;
}

/**
 * Sets of the table `inet NAME`. `namespace`: path of the network namespace whose sets they are (/run/netns/NAME); that of this process
 * when undefined. Throws MoatError 'no-koffi', 'no-library' or 'native'.
 */
export async function openElements(table: string, namespace?: string): Promise<Elements> {
  const koffi = await loadKoffi();
  const lib = openLibrary(koffi, ['libc.so.6', 'libc.musl-x86_64.so.1', 'libc.musl-aarch64.so.1', 'libc.so'], 'the C library', '');
  const socket = lib.func('int socket(int domain, int type, int protocol)');
  const setns = lib.func('int setns(int fd, int type)');
  const setOption = lib.func('int setsockopt(int fd, int level, int name, void *value, uint32_t size)');
  const send = lib.func('int64_t send(int fd, void *data, size_t size, int flags)');
  const recv = lib.func('int64_t recv(int fd, void *data, size_t size, int flags)');
  const close = lib.func('int close(int fd)');
  const fail = (what: string): never => { throw new MoatError<NativeErrorCode>('native', `expected ${what}, got ${errorName(koffi, koffi.errno())}`, { hint: 'root with CAP_NET_ADMIN, and a kernel with nf_tables' }); };

  /** A socket belongs to the namespace it was made in for good; this thread goes there for that instant only. */
  const open = (): number => {
    if (namespace === undefined) return socket(netlinkFamily, rawSocket | closeOnExec, netfilter) as number;
    const own = openSync('/proc/thread-self/ns/net', 'r'), there = openSync(namespace, 'r');
    try {
      if ((setns(there, newNetwork) as number) < 0) return fail(`to enter ${namespace}`);
      const made = socket(netlinkFamily, rawSocket | closeOnExec, netfilter) as number;
      if ((setns(own, newNetwork) as number) < 0) fail('to come back from a network namespace');
      return made;
    } finally { closeSync(own); closeSync(there); }
  };
  const fd = open();
  if (fd < 0) return fail('a netlink socket');
  const wait = Buffer.alloc(16);
  wait.writeBigInt64LE(5n, 0);
  setOption(fd, socketLevel, receiveTimeout, wait, 16);
  const size = Buffer.alloc(4);
  size.writeUInt32LE(bufferBytes);
  setOption(fd, socketLevel, sendBufferForce, size, 4);
  setOption(fd, socketLevel, receiveBufferForce, size, 4);
  const buffer = Buffer.alloc(256 * 1024);
  let seq = 1;

  /** Hands each answer to `each` until it says that there are no more. */
  function answers(each: (type: number, seq: number, body: Buffer) => boolean): void {
    for (let open = true; open;) {
      const got = Number(recv(fd, buffer, buffer.length, 0));
      if (got <= 0) fail('nf_tables to answer');
      for (let at = 0; at + 16 <= got && open;) {
        const length = buffer.readUInt32LE(at);
        if (length < 16 || at + length > got) break;
        open = each(buffer.readUInt16LE(at + 4), buffer.readUInt32LE(at + 8), buffer.subarray(at + 16, at + length));
        at += (length + 3) & ~3;
      }
    }
  }

  function sendAll(bytes: Buffer): void {
    if (Number(send(fd, bytes, bytes.length, 0)) !== bytes.length) fail(`nf_tables to take ${bytes.length} bytes`);
  }

  const head = (set: string): Buffer[] => [text(listTable, table), text(listSet, set)];

  return {
    change(changes) {
      const first = seq++;
      const parts: Buffer[] = [];
      const add = (type: number, flags: number, body: readonly Uint8Array[]): void => { parts.push(message(type, flags | acknowledge, seq++, body)); };
      for (const change of changes) {
        if (change.do === 'flush') { add(deleteElement, 0, head(change.set)); continue; }
        for (let at = 0; at < change.elements.length; at += perMessage) {
          const body = [...head(change.set), attribute(listElements | nested, ...change.elements.slice(at, at + perMessage).map(elementAttribute))];
          add(change.do === 'add' ? newElement : deleteElement, change.do === 'add' ? create : 0, body);
        }
      }
      if (parts.length === 0) return;
      const last = seq++;
      sendAll(Buffer.concat([message(batchBegin, 0, first, [], subsystem, 0), ...parts, message(batchEnd, 0, last, [], subsystem, 0)]));
      let left = parts.length, fault = 0;
      answers((type, of, body) => {
        // What an earlier call left behind.
        if (type !== errorMessage || of < first || of > last) return true;
        const code = -body.readInt32LE(0);
        if (code !== 0) fault ||= code;
        // Trouble with the batch as a whole is told once, of its frame.
        if (of === first || of === last) return code === 0;
        return --left > 0;
      });
      if (fault !== 0) throw new MoatError<FirewallErrorCode>('firewall', `expected nf_tables to change its sets, got ${errorName(koffi, fault)}`);
    },

    has(set, keys) {
      const found = keys.map(() => false);
      for (let from = 0; from < keys.length; from += perQuestion) {
        const first = seq;
        const questions = keys.slice(from, from + perQuestion).map((key) => message(getElement, acknowledge, seq++, [...head(set), attribute(listElements | nested, elementAttribute({ key }))]));
        sendAll(Buffer.concat(questions));
        let left = questions.length;
        answers((type, of, body) => {
          if (of < first || of >= first + questions.length) return true;
          if (type !== errorMessage) { found[from + of - first] = true; return true; }
          const code = -body.readInt32LE(0);
          if (code !== 0 && code !== notThere) throw new MoatError<FirewallErrorCode>('firewall', `expected nf_tables to tell of the set ${set}, got ${errorName(koffi, code)}`);
          return --left > 0;
        });
      }
      return found;
    },

    list(set) {
      const elements: Element[] = [];
      const own = seq++;
      sendAll(message(getElement, dump, own, head(set)));
      answers((type, of, body) => {
        if (of !== own) return true;
        if (type === doneMessage) return false;
        if (type === errorMessage) throw new MoatError<FirewallErrorCode>('firewall', `expected nf_tables to list the set ${set}, got ${errorName(koffi, -body.readInt32LE(0))}`);
        for (const one of listed(attributes(body.subarray(4)).get(listElements) ?? Buffer.alloc(0))) {
          const element = readElement(one);
          if (element) elements.push(element);
        }
        return true;
      });
      return elements;
    },

    rules() {
      const rules: Rule[] = [];
      const own = seq++;
      sendAll(message(getRule, dump, own, [text(ruleTable, table)]));
      answers((type, of, body) => {
        if (of !== own) return true;
        if (type === doneMessage) return false;
        if (type === errorMessage) throw new MoatError<FirewallErrorCode>('firewall', `expected nf_tables to list the rules of ${table}, got ${errorName(koffi, -body.readInt32LE(0))}`);
        const rule = readRule(body.subarray(4), table);
        if (rule) rules.push(rule);
        return true;
      });
      return rules;
    },

    close() { close(fd); },
  };
}
