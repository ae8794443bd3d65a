import { describe, expect, it } from 'vitest';
import type { Program } from '../core/format.ts';
import { Event } from '../core/gen/event.ts';
import { programs } from './catalogue.ts';
import { openPrograms } from './router.ts';

const program = (id: string, tags: string[], knows = true): Program => ({
  id, title: { zh: id, en: id }, tags, open: () => ({ decode: (_message, event) => { event.service = `${event.service ?? ''}${id}`; return knows; } }),
});
const ask = (tag: string, list: Program[]): [boolean, string | undefined] => {
  const event = new Event('x', 0, 'syslog');
  return [openPrograms(list)(tag, 'text', event), event.service];
};

describe('which program gets a message', () => {
  const list = [program('sshd', ['sshd']), program('postfix', ['postfix/*', 'postfix']), program('deaf', ['deaf'], false), program('any', ['*'])];
  it.each([
    ['sshd', 'sshd'], ['SSHD', 'sshd'], ['sshd(pam_unix)', 'sshd'], ['postfix/smtpd', 'postfix'], ['postfix', 'postfix'],
    ['deaf', 'deafany'], ['unknown', 'any'], ['', 'any'], ['sshdx', 'any'],
  ])('%s', (tag, expected) => { expect(ask(tag, list)).toEqual([true, expected]); });

  it('none, when none knows it', () => { expect(ask('other', list.slice(0, 3))).toEqual([false, undefined]); });

  it('stays right over more tags than it remembers', () => {
    const route = openPrograms(list);
    for (let i = 0; i < 10_000; i += 1) route(`tag${i}`, 'text', new Event('x', 0, 'syslog'));
    const event = new Event('x', 0, 'syslog');
    route('sshd', 'text', event);
    expect(event.service).toBe('sshd');
  });
});

it('no two programs claim one tag', () => {
  const claims = programs.flatMap(({ id, tags }) => tags.map((tag) => ({ id, tag }))).filter(({ tag }) => tag !== '*');
  const twice = claims.filter(({ id, tag }) => claims.some((other) => other.tag === tag && other.id !== id));
  expect(twice).toEqual([]);
  expect(programs.map(({ id }) => id).length).toBe(new Set(programs.map(({ id }) => id)).size);
});
