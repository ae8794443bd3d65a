/** One step in a cloud account, through its connector: planned, done, looked at and taken back like anything else. */
import { randomBytes } from 'node:crypto';
import type { Action, ActionErrorCode } from '../../core/action.ts';
import type { CloudConnector, CloudStep } from '../../core/cloud.ts';
import { MoatError } from '../../core/error.ts';
import { badInput, fieldsOf } from '../input.ts';

export interface CloudWorld { connectors: () => readonly CloudConnector[] }

export interface CloudInput extends CloudStep { connector: string }

export interface CloudState { connector: string; step: CloudStep; before: unknown; token: string; /** Stored before the cloud is asked. */ begun: boolean }

const parametersMax = 50, textMax = 4096, planMs = 30_000, beforeMax = 1 << 20;
const word = /^[a-z0-9][a-z0-9-]{0,63}$/;

export function cloudStep({ connectors }: CloudWorld): Action<CloudInput, CloudState> {
  const connectorOf = (id: string): CloudConnector => {
    const all = connectors();
    const found = all.find((one) => one.id === id);
    if (found) return found;
    const names = all.map((one) => one.id).join(', ');
    throw new MoatError<ActionErrorCode>('refused', `no connector: ${id} is not connected${names === '' ? ', nor is any cloud account' : ` (connected: ${names})`}`, { text: { zh: `没有连接器：${id} 未接入${names === '' ? '，也没有接入任何云账号' : `（已接入：${names}）`}`, en: `no connector: ${id} is not connected${names === '' ? ', nor is any cloud account' : ` (connected: ${names})`}` } });
  };
  return {
    id: 'cloud-step',
    title: { zh: '云上操作', en: 'Take a step in the cloud' },
    blind: { zh: '云账号里由他人同时做的改动，只有连接器查看时才看得到。', en: 'What others change in the account at the same time is seen only when the connector looks.' },
    automatic: 'never',
    halfDone: 'finish',

    parse(input) {
      const { connector, step, resource, parameters = {} } = fieldsOf(input);
      if (typeof connector !== 'string' || !word.test(connector)) throw badInput('the id of a connector', connector);
      if (typeof step !== 'string' || !word.test(step)) throw badInput('a step such as snapshot-disk', step);
      if (typeof resource !== 'string' || resource === '' || resource.length > textMax || /[\0-\x1f]/.test(resource)) throw badInput('the resource as the cloud names it', resource);
      if (typeof parameters !== 'object' || parameters === null || Array.isArray(parameters)) throw badInput('parameters by name', parameters);
      const entries = Object.entries(parameters);
      if (entries.length > parametersMax) throw badInput(`at most ${parametersMax} parameters`, entries.length);
      return { connector, step, resource, parameters: Object.fromEntries(entries.map(([key, value]: [string, unknown]) => {
        if (key.length > 100 || !(typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value)) || (typeof value === 'string' && value.length <= textMax))) throw badInput('parameters that are texts, numbers or yes and no', value);
        return [key, value];
      })) };
    },

    async plan({ connector: id, ...step }) {
      const connector = connectorOf(id);
      if (!connector.steps.includes(step.step)) throw badInput(`a step of ${id}: ${connector.steps.join(', ')}`, step.step);
      const { before, ...plan } = await connector.plan(step, AbortSignal.timeout(planMs));
      if (JSON.stringify(before ?? null).length > beforeMax) throw new MoatError<ActionErrorCode>('refused', `expected at most ${beforeMax} characters of former state from ${id}`);
      return { ...plan, target: `cloud ${id} ${step.resource}`, state: { connector: id, step, before: before ?? null, token: randomBytes(16).toString('hex'), begun: false } };
    },

    async apply(state, { signal, save }) {
      const connector = connectorOf(state.connector);
      if (!state.begun) await save({ ...state, begun: true });
      await connector.apply(state.step, state.before, state.token, signal);
    },

    async verify({ connector, step, before }, { signal }) { return await connectorOf(connector).look(step, before, signal); },

    async undo({ connector, step, before, token, begun }, { signal }) {
      if (begun) await connectorOf(connector).undo(step, before, `${token}-undo`, signal);
    },
  };
}
