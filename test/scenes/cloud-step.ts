/** A cloud in a file, which cannot run here: it does a request with one token once only, and refuses what is not signed. */
import { createHmac } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cloudStep } from '../../src/actions/cloud-step/action.ts';
import type { CloudConnector } from '../../src/core/cloud.ts';
import { MoatError } from '../../src/core/error.ts';
import type { Scene } from '../actions.ts';

interface Cloud { groups: Record<string, string[]>; tokens: string[]; requests: number }

const secret = 'a secret of the test';
const signed = (body: string): string => createHmac('sha256', secret).update(body).digest('hex');

function serve(file: string, body: string, signature: string): Cloud {
  if (signature !== signed(body)) throw new Error('SignatureDoesNotMatch');
  const cloud = JSON.parse(readFileSync(file, 'utf8')) as Cloud;
  const { token, resource, groups } = JSON.parse(body) as { token?: string; resource: string; groups?: string[] };
  if (cloud.groups[resource] === undefined) throw new MoatError('not-there', `no such resource: ${resource}`);
  if (groups === undefined || token === undefined) return cloud;
  if (!cloud.tokens.includes(token)) { cloud.groups[resource] = groups; cloud.tokens.push(token); cloud.requests++; }
  writeFileSync(`${file}.${process.pid}`, JSON.stringify(cloud));
  renameSync(`${file}.${process.pid}`, file);
  return cloud;
}

export function fileCloud(file: string): CloudConnector {
  const ask = (request: object): Cloud => { const body = JSON.stringify(request); return serve(file, body, signed(body)); };
  const groupsOf = (resource: string): string[] => ask({ resource }).groups[resource]!;
  return {
    id: 'example', steps: ['set-security-group'],
    plan: ({ resource, parameters }) => {
      const before = groupsOf(resource);
      if (typeof parameters['group'] !== 'string') throw new MoatError('bad-input', 'expected a group');
      return Promise.resolve({ before, title: { zh: '换安全组', en: 'Change the security group' }, steps: [{ text: { zh: `${before.join()} → ${parameters['group']}`, en: `${before.join()} → ${parameters['group']}` } }], risk: 'high', reversible: true });
    },
    apply: ({ resource, parameters }, _, token) => { ask({ resource, token, groups: [parameters['group']] }); return Promise.resolve(); },
    look: ({ resource, parameters }, before) => {
      const now = groupsOf(resource).join();
      const is = now === parameters['group'] ? 'finished' : now === (before as string[]).join() ? 'former' : 'between';
      return Promise.resolve({ is, evidence: { zh: now, en: now } });
    },
    undo: ({ resource }, before, token) => { ask({ resource, token, groups: before }); return Promise.resolve(); },
  };
}

export async function scene(folder: string): Promise<Scene> {
  const file = join(folder, 'cloud.json');
  if (!existsSync(file)) writeFileSync(file, JSON.stringify({ groups: { 'i-1': ['sg-web', 'sg-ops'], 'i-2': [] }, tokens: [], requests: 0 }));
  return Promise.resolve({
    actions: () => [cloudStep({ connectors: () => [fileCloud(file)] })] as ReturnType<Scene['actions']>, action: 'cloud-step',
    input: { connector: 'example', step: 'set-security-group', resource: 'i-1', parameters: { group: 'sg-quarantine' } },
    look: () => Promise.resolve((JSON.parse(readFileSync(file, 'utf8')) as Cloud).groups),
    done: (before, after) => { if (JSON.stringify(after) !== JSON.stringify({ ...before as object, 'i-1': ['sg-quarantine'] })) throw new Error(`expected the quarantine group, got ${JSON.stringify(after)}`); },
  });
}
