import { describe, expect, it } from 'vitest';
import { decodeAll, pick, surestFormat } from '../../../test/decode.ts';
import { formats } from '../catalogue.ts';
import { docker as wrapper } from './format.ts';

const docker = wrapper(() => formats);

const id = '0123456789abcdef'.repeat(4);
const source = `/var/lib/docker/containers/${id}/${id}-json.log`;
const wrap = (log: string, stream = 'stdout', time = '2026-11-22T02:27:01.123456789Z') => JSON.stringify({ log, stream, time });

describe('docker json-file', () => {
  it('hands each line to the format that knows it', () => {
    const { events, unparsed } = decodeAll(docker, [
      wrap('203.0.113.7 - - [22/Nov/2026:02:27:00 +0000] "GET / HTTP/1.1" 200 13 "-" "curl/8"\n'),
      wrap('2026/11/22 02:27:00 [error] 7#7: *5 user "bob": password mismatch, client: 203.0.113.7, server: a, request: "GET / HTTP/1.1", host: "a"\n', 'stderr'),
      wrap('[2026-11-22 02:27:00.129][vaultwarden::api::identity][ERROR] Username or password is incorrect. Try again. IP: 203.0.113.7. Username: amy@example.org.\n'),
      wrap('listening on :8080\n'),
      wrap('\n'),
    ], source);
    expect(unparsed).toBe(0);
    expect(events.map((event) => pick(event, 'kind', 'service', 'action', 'source_ip', 'container_id', 'lines'))).toEqual([
      { kind: 'nginx', service: 'nginx', action: 'request', source_ip: '203.0.113.7', container_id: id, lines: [1] },
      { kind: 'weberror', service: 'nginx', action: 'login', source_ip: '203.0.113.7', container_id: id, lines: [2] },
      { kind: 'application', service: 'vaultwarden', action: 'login', source_ip: '203.0.113.7', container_id: id, lines: [3] },
      { kind: 'container', action: 'log', container_id: id, lines: [4] },
    ]);
    expect(events[3]).toMatchObject({ message: 'listening on :8080', time: Date.UTC(2026, 10, 22, 2, 27, 1, 123), category: 'log' });
  });

  it('joins the parts of a long line, each stream by itself', () => {
    const { events } = decodeAll(docker, [wrap('203.0.113.7 - - [22/Nov/2026:02:27:00 +0000] "GET /'), wrap('oops\n', 'stderr'), wrap('x HTTP/1.1" 200 13 "-" "curl/8"\n')], source);
    expect(events.map((event) => [event.url, event.message, event.lines])).toEqual([[undefined, 'oops', [2]], ['/x', expect.stringContaining('GET /x'), [1]]]);
  });

  it('holds back no more than a bounded line, and says from where', () => {
    const seen: string[] = [];
    const decoder = docker.open({ idPrefix: 'f:', source, host: 'h', now: () => 0, zoneOffset: () => 0 }, (event) => { seen.push(event.message ?? ''); });
    for (let i = 0; i < 40; i++) decoder.decode(wrap('x'.repeat(16_384)), { line: 0, position: i });
    expect(decoder.pending?.()).toEqual({ line: 0, position: 0 });
    decoder.flush();
    expect(seen.map((text) => text.length)).toEqual([262_144]);
    expect(decoder.pending?.()).toBeUndefined();
  });

  it('counts what is no record', () => {
    expect(decodeAll(docker, ['{"log":"half', 'text', '{"log":5}', `{"log":"${'['.repeat(300_000)}`]).unparsed).toBe(3);
    expect(surestFormat(wrap('x\n'))).toBe('docker');
  });
});
