/**
 * The hands seal each state they hand out, and take none back that they did not seal: what stands in the ledger says what is written where,
 * and a ledger that was changed, or brought from another machine, must not say it. All but when it ends by itself, which a person may lift.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { MoatError } from '../core/error.ts';

export type SealErrorCode = 'unsealed';

type State = Readonly<Record<string, unknown>>;

const digestOf = (key: Buffer, action: string, state: State): Buffer => {
  const what = Object.entries(state).filter(([name]) => name !== 'confirmBy' && name !== 'seal');
  return createHmac('sha256', key).update(`${action}\0${JSON.stringify(what)}`).digest();
};

/** `state` is JSON. */
export function sealed(key: Buffer, action: string, state: unknown): State {
  const plain = JSON.parse(JSON.stringify(state)) as State;
  return { ...plain, seal: digestOf(key, action, plain).toString('base64url') };
}

/** The state without its seal. Throws MoatError 'unsealed'. */
export function unsealed(key: Buffer, action: string, state: State): State {
  const { seal, ...plain } = state;
  const wanted = digestOf(key, action, plain), given = typeof seal === 'string' ? Buffer.from(seal, 'base64url') : Buffer.alloc(0);
  if (given.length === wanted.length && timingSafeEqual(given, wanted)) return plain;
  throw new MoatError<SealErrorCode>('unsealed', `expected a receipt of ${action} that the hands have sealed, got one that was changed, or was made without them`, {
    text: { zh: `${action} 的回执没有执行进程的封印：被改动过，或不是由它执行的`, en: `expected a receipt of ${action} that the hands have sealed, got one that was changed, or was made without them` },
    hint: { zh: '若当时是在终端里运行 moat up 所做：停掉服务，同样在终端里运行 moat up 再撤销', en: 'when it was done by moat up in a shell: stop the service, run moat up there again, and take it back' },
  });
}
