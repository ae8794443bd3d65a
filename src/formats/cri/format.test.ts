import { expect, it } from 'vitest';
import { decodeAll, surestFormat } from '../../../test/decode.ts';
import { formats } from '../catalogue.ts';
import { cri as wrapper } from './format.ts';

const cri = wrapper(() => formats);

const time = '2026-11-22T02:27:01.413656027Z';

it('joins parts and hands the line on', () => {
  const { events, unparsed } = decodeAll(cri, [
    `${time} stdout P 203.0.113.7 - - [22/Nov/2026:02:27:00 +0000] "GET /`,
    `${time} stderr F started`,
    `${time} stdout F x HTTP/1.1" 404 13 "-" "curl/8" 80 0.000 [default-web-80] [] 10.244.0.9:80 13 0.000 404 c99400a4`,
    'no such line',
  ], '/var/log/pods/shop_web-1_0a/web/0.log');
  expect(unparsed).toBe(1);
  expect(events.map((event) => [event.kind, event.source_ip, event.url, event.container_id, event.lines])).toEqual([
    ['container', undefined, undefined, 'web', [2]], ['nginx', '203.0.113.7', '/x', 'web', [1]],
  ]);
});

it('sniffs', () => expect(surestFormat(`${time} stdout F hello`)).toBe('cri'));
