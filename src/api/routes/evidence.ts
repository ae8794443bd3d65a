/** Archives of evidence that this machine keeps: collected, proved, sent to whoever may have them, held or let go. */
import * as z from 'zod';
import { done, idParams, jobStarted, list, why } from '../contract/common.ts';
import { evidenceArchive, evidenceKey, evidenceShown, evidenceVerdict } from '../contract/incidents.ts';
import { route } from '../contract/route.ts';
import type { World } from '../world.ts';

const archive = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,150}$/);
const archiveParams = z.strictObject({ id: archive });
/** What the collector knows is its own to check: the words are looked at there once more. */
const collectBody = z.strictObject({
  why: why.min(1), commands: z.boolean().default(true), memory: z.enum(['none', 'processes', 'kcore']).optional(), memory_max_mb: z.number().int().min(1).max(1 << 24).optional(),
  since_ms: z.number().int().min(1000).max(3650 * 86_400_000).optional(), only: z.array(z.string().regex(/^[a-z-]{1,40}$/)).min(1).max(50).optional(),
});
const incidentId = async (id: string, world: World): Promise<string> => (await world.ask('incident', id) as { id: string }).id;

export const evidenceRoutes = [
  route({ id: 'evidence-all', method: 'GET', path: '/evidence', access: 'read', title: { zh: '本机的证据存档', en: 'archives of evidence on this machine' }, answer: list(evidenceArchive), run: async (_call, world: World) => ({ body: { items: await world.ask('evidence-list', {}) } }) }),
  route({ id: 'evidence-key', method: 'GET', path: '/evidence-key', access: 'read', title: { zh: '本机证据密钥的指纹与公钥', en: 'fingerprint and public key of the evidence of this machine' }, answer: evidenceKey, run: async (_call, world: World) => ({ body: await world.ask('evidence-key') }) }),
  route({
    id: 'evidence-collect', method: 'POST', path: '/evidence', access: 'act', title: { zh: '采集整机的证据（工作）', en: 'collect evidence of the machine as it is (a job)' }, body: collectBody, answer: jobStarted,
    run: async ({ body, actor }, world: World) => ({ status: 202, body: await world.ask('evidence-collect', { ...body, by: actor!.by }) }),
  }),
  route({
    id: 'evidence-one', method: 'GET', path: '/evidence/:id', access: 'read', title: { zh: '一份存档：先核验，再列出里面有什么、缺什么、经过谁的手', en: 'one archive: proved, and what is in it, what is missing, whose hands it went through' }, params: archiveParams, answer: evidenceShown,
    run: async ({ params }, world: World) => ({ body: await world.ask('evidence-verify', { id: params.id, whole: true }) }),
  }),
  route({
    // It holds memory, logs and files that not everybody may see: for who may collect it themselves.
    id: 'evidence-content', method: 'GET', path: '/evidence/:id/content', access: 'act', title: { zh: '下载存档（tar；Range 续传，If-Match 为上次的 ETag）', en: 'the archive itself (tar; Range goes on where it was cut off, If-Match is the ETag of before)' }, params: archiveParams, query: z.strictObject({ why: why.default('') }), answer: z.unknown(), isDownload: true,
    async run({ params, query, actor }, world: World) {
      const download = await world.download('evidence', params.id);
      await world.audit({ by: actor!.by, operation: 'evidence-export', target: params.id, why: query.why, result: `sent to who asked, ${download.bytes} bytes` });
      return { body: undefined, download };
    },
  }),
  ...(['hold', 'release'] as const).map((deed) => route({
    id: `evidence-${deed}`, method: 'POST', path: `/evidence/:id/${deed}`, access: 'act', title: deed === 'hold' ? { zh: '保留：不因到期删除', en: 'keep it beyond its time' } : { zh: '解除保留', en: 'end the hold' }, params: archiveParams, body: z.strictObject({ why: deed === 'hold' ? why.min(1) : why.default('') }), answer: done,
    run: async ({ params, body, actor }, world: World) => ({ body: { done: await world.ask('evidence-change', { id: params.id, deed, ...body, by: actor!.by }) === true } }),
  })),
  route({
    id: 'evidence-remove', method: 'DELETE', path: '/evidence/:id', access: 'system', title: { zh: '删除存档（保留中的不删）', en: 'remove an archive; never one on hold' }, params: archiveParams, body: z.strictObject({ why: why.min(1) }), answer: done,
    run: async ({ params, body, actor }, world: World) => ({ body: { done: await world.ask('evidence-change', { id: params.id, deed: 'remove', ...body, by: actor!.by }) === true } }),
  }),
  route({
    id: 'incident-evidence', method: 'GET', path: '/incidents/:id/evidence', access: 'read', title: { zh: '事件的证据存档', en: 'its archives of evidence' }, params: idParams, answer: list(evidenceArchive),
    run: async ({ params }, world: World) => ({ body: { items: await world.ask('evidence-list', { incident: await incidentId(params.id, world) }) } }),
  }),
  route({
    id: 'incident-evidence-collect', method: 'POST', path: '/incidents/:id/evidence', access: 'act', title: { zh: '采集证据（工作）', en: 'collect evidence (a job)' }, params: idParams, body: collectBody, answer: jobStarted,
    run: async ({ params, body, actor }, world: World) => ({ status: 202, body: await world.ask('evidence-collect', { incident: await incidentId(params.id, world), ...body, by: actor!.by }) }),
  }),
  route({
    id: 'incident-evidence-verify', method: 'GET', path: '/incidents/:id/evidence/:archive/verify', access: 'read', title: { zh: '核验存档未被改动', en: 'prove that an archive is untouched' }, params: z.strictObject({ id: idParams.shape.id, archive }), answer: evidenceVerdict,
    run: async ({ params }, world: World) => ({ body: await world.ask('evidence-verify', { id: params.archive }) }),
  }),
] as const;
