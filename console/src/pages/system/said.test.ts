import { expect, it } from 'vitest';
import { browserOf, scopeOf, spanOf, whoOf } from './said.ts';

it('tells who did it, whatever a name holds', () => {
  expect(['account:li', 'token:li/grafana', 'operator:root', 'engine', 'rule:ssh', 'account:a:b', ''].map(whoOf)).toEqual([
    { kind: 'account', name: 'li' }, { kind: 'token', name: 'li/grafana' }, { kind: 'operator', name: 'root' }, { kind: 'automatic', name: 'engine' }, { kind: 'automatic', name: 'rule:ssh' }, { kind: 'account', name: 'a:b' }, { kind: 'automatic', name: '' },
  ]);
});

it('tells a browser by what it says', () => {
  expect(browserOf('Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0')).toBe('Edge · Windows');
  expect(browserOf('Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18 Mobile Safari/604')).toBe('Safari · iPhone');
  expect([browserOf('curl/8.5.0'), browserOf('<b>'), browserOf('')]).toEqual(['curl', undefined, undefined]);
});

it('leaves a scope without a limit out', () => {
  expect([scopeOf([], [], false), scopeOf([' '], [], true), scopeOf(['web ', 'web'], ['test'], false), scopeOf([], ['dev'], true)]).toEqual([undefined, undefined, { groups: ['web'], environments: ['test'] }, { environments: ['dev'], outside: 'read' }]);
  expect([spanOf('week'), spanOf('toString'), spanOf(undefined)]).toEqual(['week', undefined, undefined]);
});
