import type { Event } from '../core/gen/event.ts';
import { finishRequest, nextQuote, plain, setRequest } from './access-line.ts';
import { addressBeforePort } from './address.ts';
import type { LineReader } from './lines.ts';
import type { Times } from './time.ts';

/**
 * HAProxy's httplog and tcplog:
 *
 *     ADDRESS:PORT [TIME] FRONTEND BACKEND/SERVER TIMERS STATUS BYTES … [{captured|headers}] "REQUEST"
 *     ADDRESS:PORT [TIME] FRONTEND BACKEND/SERVER TIMERS BYTES STATE …
 */
export class HaproxyLine implements LineReader {
  read(line: string, event: Event, times: Times | undefined): boolean {
    const open = line.indexOf(' [');
    const close = line.indexOf('] ', open);
    if (open < 2 || open > 60 || close < 0 || close - open > 40) return false;
    const peer = addressBeforePort(line.slice(0, open));
    if (!peer) return false;
    if (times) {
      const ms = times.any(line, open + 2);
      if (times.next < 0) return false;
      event.time = ms;
    }
    event.source_ip = peer.ip;
    event.source_port = peer.port;
    event.category = 'web';
    event.service = 'haproxy';
    const words = line.slice(close + 2, close + 1000).split(' ', 5);
    const quote = nextQuote(line, close);
    if (quote < 0) return connection(line.slice(close + 2), words, event);
    const end = nextQuote(line, quote + 1);
    const status = Number(words[3]);
    if (words.length < 5 || !Number.isInteger(status)) return false;
    // A truncated line has no closing quote.
    setRequest(event, line.slice(quote + 1, end < 0 ? line.length : end));
    const bytes = Number(words[4]);
    if (bytes >= 0) event.http_bytes = bytes;
    const headers = line.slice(close, quote);
    const brace = headers.indexOf(' {');
    if (brace >= 0) event.http_user_agent = headers.slice(brace + 2, headers.indexOf('}', brace)).split('|').map(plain).find((value) => value !== undefined && agentLike.test(value));
    finishRequest(event, 'haproxy', Math.max(0, status));
    return true;
  }
}

const agentLike = /^[\w.+-]+\/\d|^Mozilla/;

/** A TCP session, or `frontend/1: SSL handshake failure`. */
function connection(rest: string, words: readonly string[], event: Event): boolean {
  if (rest.includes('SSL handshake failure') || rest.includes('Connection error') || rest.includes('Timeout during SSL handshake')) {
    event.kind = 'weberror';
    event.action = 'error';
    event.outcome = 'failure';
    return true;
  }
  if (!(words[1] ?? '').includes('/') || !/^[\d/+-]+$/.test(words[2] ?? '')) return false;
  event.category = 'network';
  event.action = 'connection';
  event.outcome = 'success';
  return true;
}

export function isHaproxyLine(line: string): boolean {
  return shape.test(line.slice(0, 400));
}
const shape = /^[\da-fA-F.:]{6,46}:\d{1,5} \[\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d\.\d{3}\] \S+ /;
