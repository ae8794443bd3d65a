import { describe, expect, it } from 'vitest';
import { readSteps, wantsKnown, withNames } from './playbook-steps.ts';

const action = (more: object): Record<string, unknown> => ({ type: 'action', commands: [], compensate: false, delay: 0, ...more });

describe('steps of a playbook', () => {
  it('come in order, branches below what they hang on, a failure below what failed, each once', () => {
    const steps = readSteps({ workflow_start: 'start', workflow: {
      start: { type: 'start', on_completion: 'other' },
      other: { type: 'playbook-action', playbook_id: 'cut', on_true: 'block', on_completion: 'file' },
      block: action({ on_success: 'end', on_failure: 'by-hand' }),
      'by-hand': action({ on_success: 'end', on_failure: 'end' }),
      file: { type: 'if-condition', condition: '__file__:value != ""', on_true: 'aside', on_false: 'ask', on_completion: 'last' },
      aside: action({ on_success: 'end', on_failure: 'ask' }),
      ask: action({ on_success: 'end' }),
      last: action({ on_success: 'end' }),
      end: { type: 'end' },
    } });
    expect(steps.map(({ id, depth, when }) => [id, depth, when])).toEqual([
      ['block', 0, undefined], ['by-hand', 1, 'failure'], ['file', 0, undefined], ['aside', 1, 'true'], ['ask', 2, 'failure'], ['last', 0, undefined],
    ]);
  });

  it('end where they go in a circle or nowhere', () => {
    expect(readSteps({ workflow_start: 'a', workflow: { a: action({ on_success: 'a' }) } })).toHaveLength(1);
    expect(readSteps({ workflow_start: 'gone', workflow: {} })).toEqual([]);
  });

  it('conditions that only want something known are said so', () => {
    expect(wantsKnown('__pid__:value != "" and __started__:value != ""')).toEqual(['pid', 'started']);
    expect(wantsKnown('__count__:value > 5')).toBeUndefined();
    expect(withNames('kill __pid__:value of __user_name__', (name) => name.toUpperCase())).toBe('kill ‹PID› of ‹USER_NAME›');
  });
});
