/** The first page, this host, scans, rules, hunting, jobs, the audit log, Moat itself. */
import { randomBytes } from 'node:crypto';
import * as z from 'zod';
import { cursorOf, readCursor } from '../cursor.ts';
import { done, idParams, job, jobStarted, level, limit, list, page, pageQuery, when, why } from '../contract/common.ts';
import { containers, host, integrity, listeners, originStory, packages, processes, sensors, users } from '../contract/host.ts';
import { overview } from '../contract/overview.ts';
import { route } from '../contract/route.ts';
import { huntResult, huntSchema, intelligenceCheck, intelligenceList, matrix, rule, ruleCheck, ruleSaved, ruleTrial, ruleWhole, savedQuery } from '../contract/rules.ts';
import { checkEntry, finding, patches, posture, scanRun } from '../contract/scans.ts';
import { auditEntry, auditVerdict, status, system } from '../contract/system.ts';
import { Problem } from '../problem.ts';
import type { World } from '../world.ts';

const place = z.strictObject({ after: z.string().max(5000) });
const afterOf = (cursor: string | undefined): { after?: string } => (cursor === undefined ? {} : { after: readCursor(cursor, place).after });
const withCursor = (value: unknown): object => { const { next, ...rest } = value as { next?: string }; return { ...rest, ...(next !== undefined && { next: cursorOf({ after: next }) }) }; };
const nothing = (): Problem => new Problem('not-found', { zh: '没有记录', en: 'nothing is known of it' });
const story = async (what: string, world: World): Promise<{ body: unknown }> => {
  const told = await world.ask('origin', { what });
  if (told === null || told === undefined) throw nothing();
  return { body: told };
};
/** Four times what a rule may have: what is a little too long is told with its line, as other faults are. */
const ruleText = z.string().min(1).max(256 * 1024);
const savedMost = 200;

export const systemRoutes = [
  route({ id: 'overview', method: 'GET', path: '/overview', access: 'read', title: { zh: '总览：结论、曲线、来源、健康、评分', en: 'overview: verdict, curve, sources, health, score' }, query: z.strictObject({ from: when, to: when, bucket: z.coerce.number().int().min(1).max(86_400).optional() }), answer: overview, run: async ({ query }, world: World) => ({ body: await world.ask('overview', query) }) }),
  route({ id: 'status', method: 'GET', path: '/status', access: 'read', title: { zh: '运行状态', en: 'how it goes' }, answer: status, run: async (_call, world: World) => ({ body: await world.ask('status') }) }),
  route({ id: 'system', method: 'GET', path: '/system', access: 'read', title: { zh: 'Moat 自身：版本、存储、配置（不含密钥）、许可', en: 'Moat itself: versions, storage, configuration without secrets, licences' }, answer: system, run: async (_call, world: World) => ({ body: await world.ask('system') }) }),
  route({ id: 'host', method: 'GET', path: '/host', access: 'read', title: { zh: '本机', en: 'this host' }, answer: host, run: async (_call, world: World) => ({ body: await world.ask('host') }) }),
  route({ id: 'processes', method: 'GET', path: '/host/processes', access: 'read', title: { zh: '进程与来源；ended=false 不含已结束的', en: 'processes with their origin; ended=false leaves those out that ended' }, query: z.strictObject({ ended: z.enum(['true', 'false']).default('true') }), answer: processes, run: async ({ query }, world: World) => ({ body: await world.ask('processes', query.ended === 'true') }) }),
  route({ id: 'listeners', method: 'GET', path: '/host/listeners', access: 'read', title: { zh: '监听的端口与谁能到达', en: 'what listens and who gets there' }, answer: listeners, run: async (_call, world: World) => ({ body: await world.ask('host-listeners') }) }),
  route({ id: 'users', method: 'GET', path: '/host/users', access: 'read', title: { zh: '账号与在线会话', en: 'accounts and sessions' }, answer: users, run: async (_call, world: World) => ({ body: await world.ask('host-users') }) }),
  route({ id: 'packages', method: 'GET', path: '/host/packages', access: 'read', title: { zh: '软件包', en: 'packages' }, query: z.strictObject({ limit, cursor: pageQuery.cursor, text: z.string().max(200).optional() }), answer: packages, run: async ({ query: { cursor, ...query } }, world: World) => ({ body: withCursor(await world.ask('host-packages', { ...query, ...afterOf(cursor) })) }) }),
  route({ id: 'containers', method: 'GET', path: '/host/containers', access: 'read', title: { zh: '容器', en: 'containers' }, answer: containers, run: async (_call, world: World) => ({ body: await world.ask('host-containers') }) }),
  route({ id: 'sensors', method: 'GET', path: '/host/sensors', access: 'read', title: { zh: '传感器与看不见的地方', en: 'sensors, and what they are blind to' }, answer: sensors, run: async (_call, world: World) => ({ body: await world.ask('host-sensors') }) }),
  route({ id: 'integrity', method: 'GET', path: '/host/integrity', access: 'read', title: { zh: '与基线相比的改动', en: 'changes since the baseline' }, query: z.strictObject({ limit, cursor: pageQuery.cursor }), answer: integrity, run: async ({ query: { cursor, ...query } }, world: World) => ({ body: withCursor(await world.ask('host-integrity', { ...query, ...afterOf(cursor) })) }) }),
  route({
    id: 'origin', method: 'GET', path: '/origin', access: 'read', title: { zh: '进程（pid）、文件（path）、地址或域名（address）的来历', en: 'where a process (pid), a file (path), an address or name (address) comes from' },
    query: z.strictObject({ pid: z.coerce.number().int().min(1).max(4_194_304).optional(), path: z.string().startsWith('/').max(4096).optional(), address: z.string().min(1).max(253).regex(/^[^/]+$/).optional() }).refine((query) => Object.values(query).filter((one) => one !== undefined).length === 1, 'expected one of pid, path, address'), answer: originStory,
    run: ({ query: { pid, path, address } }, world: World) => story(pid !== undefined ? String(pid) : path ?? address ?? '', world),
  }),

  route({
    id: 'scans', method: 'GET', path: '/scans', access: 'read', title: { zh: '检查记录，最新在前', en: 'scans, newest first' }, query: z.strictObject(pageQuery), answer: page(scanRun),
    run({ query: { limit: most, cursor } }, world: World) {
      const found = world.store.scans.scans({ limit: most + 1, ...(cursor !== undefined && { before: readCursor(cursor, z.strictObject({ before: z.number() })).before }) });
      const last = found[most - 1];
      return { body: { items: found.slice(0, most), ...(found.length > most && last && { next: cursorOf({ before: last.started }) }) } };
    },
  }),
  route({ id: 'scan-start', method: 'POST', path: '/scans', access: 'triage', title: { zh: '现在检查（工作）', en: 'scan now (a job)' }, body: z.strictObject({ only: z.array(z.string().max(100)).min(1).max(500).optional() }), answer: jobStarted, async run({ body, actor }, world: World) {
    const begun = await world.ask('scan-start', { ...body, by: actor!.by });
    await world.audit({ by: actor!.by, operation: 'scan', target: body.only?.join(',') ?? 'all', why: '', result: 'begun' });
    return { status: 202, body: begun };
  } }),
  route({ id: 'scan', method: 'GET', path: '/scans/:id', access: 'read', title: { zh: '一次检查', en: 'one scan' }, params: idParams, answer: scanRun, run({ params }, world: World) { const found = world.store.scans.scan(params.id); if (!found) throw nothing(); return { body: found }; } }),
  route({ id: 'checks', method: 'GET', path: '/checks', access: 'read', title: { zh: '有哪些检查', en: 'the checks there are' }, answer: list(checkEntry), run: async (_call, world: World) => ({ body: { items: await world.ask('checks') } }) }),
  route({
    id: 'findings', method: 'GET', path: '/findings', access: 'read', title: { zh: '扫描发现', en: 'what scans found' }, answer: page(finding),
    query: z.strictObject({ ...pageQuery, level: level.optional(), kind: z.enum(['intrusion', 'weakness', 'notice']).optional(), check: z.string().max(100).optional(), path: z.string().max(4096).optional(), gone: z.enum(['true', 'false']).default('false') }),
    async run({ query: { limit: most, cursor, gone, level: least, kind, check, path } }, world: World) {
      const after = cursor === undefined ? undefined : readCursor(cursor, z.strictObject({ level, last: z.number(), id: z.string().max(200) }));
      const found = await world.ask('findings', { limit: most + 1, gone: gone === 'true', ...(least && { level: least }), ...(kind && { kind }), ...(check !== undefined && { check }), ...(path !== undefined && { path }), ...(after && { after }) }) as Pick<z.infer<typeof finding>, 'level' | 'last' | 'id'>[];
      const last = found[most - 1];
      return { body: { items: found.slice(0, most), ...(found.length > most && last && { next: cursorOf({ level: last.level, last: last.last, id: last.id }) }) } };
    },
  }),
  route({ id: 'finding', method: 'GET', path: '/findings/:id', access: 'read', title: { zh: '一项发现', en: 'one finding' }, params: idParams, answer: finding, async run({ params }, world: World) { const found = await world.ask('finding', params.id); if (found === undefined) throw nothing(); return { body: found }; } }),
  route({ id: 'posture', method: 'GET', path: '/posture', access: 'read', title: { zh: '体检：评分、趋势、按检查归并的发现', en: 'posture: score, trend, findings by check' }, answer: posture, run: async (_call, world: World) => ({ body: await world.ask('posture') }) }),
  route({ id: 'patches', method: 'GET', path: '/patches', access: 'read', title: { zh: '本机软件包列表所知的更新', en: 'updates that the package lists of this machine know of' }, answer: patches, run: async (_call, world: World) => ({ body: await world.ask('patches') }) }),
  route({ id: 'jobs', method: 'GET', path: '/jobs', access: 'read', title: { zh: '进行中与做完的工作', en: 'long work, under way and done' }, answer: list(job), run: async (_call, world: World) => ({ body: { items: await world.ask('jobs') } }) }),
  route({ id: 'job', method: 'GET', path: '/jobs/:id', access: 'read', title: { zh: '一项工作', en: 'one job' }, params: idParams, answer: job, run: async ({ params }, world: World) => ({ body: await world.ask('job', params.id) }) }),
  route({ id: 'job-stop', method: 'DELETE', path: '/jobs/:id', access: 'act', title: { zh: '中止', en: 'stop it' }, params: idParams, answer: done, async run({ params, actor }, world: World) {
    const stopped = await world.ask('job-stop', params.id) === true;
    await world.audit({ by: actor!.by, operation: 'job-stop', target: params.id, why: '', result: stopped ? 'stopped' : 'it had ended' });
    return { body: { done: stopped } };
  } }),

  route({
    id: 'rules', method: 'GET', path: '/rules', access: 'read', title: { zh: '规则与行为检测', en: 'rules and behaviours' }, answer: page(rule),
    query: z.strictObject({ ...pageQuery, limit: z.coerce.number().int().min(1).max(5000).default(500), text: z.string().max(200).optional(), level: level.optional(), kind: z.enum(['rule', 'correlation', 'behaviour']).optional(), own: z.enum(['true', 'false']).optional(), attack: z.string().max(20).optional(), fired: z.enum(['true']).optional() }),
    async run({ query: { limit: most, cursor, text: word, level: of, kind, own, attack, fired } }, world: World) {
      const wanted = word?.toLowerCase();
      const after = cursor === undefined ? '' : readCursor(cursor, place).after;
      const all = (await world.ask('rules') as z.infer<typeof rule>[]).filter((one) => (of === undefined || one.level === of) && (kind === undefined || one.kind === kind) && (own === undefined || one.own === (own === 'true')) && (attack === undefined || one.attack.some((id) => id === attack || id.startsWith(`${attack}.`))) && (fired === undefined || one.alerts > 0)
        && (wanted === undefined || [one.id, one.title.zh, one.title.en, one.file ?? '', ...one.tags].some((text) => text.toLowerCase().includes(wanted)))).toSorted((a, b) => (a.id < b.id ? -1 : 1)).filter((one) => one.id > after);
      const last = all[most - 1];
      return { body: { items: all.slice(0, most), ...(all.length > most && last && { next: cursorOf({ after: last.id }) }) } };
    },
  }),
  route({ id: 'rule', method: 'GET', path: '/rules/:id', access: 'read', title: { zh: '一条规则：原文、说明、命中数', en: 'one rule: its text, what it means, how often it fired' }, params: idParams, answer: ruleWhole, run: async ({ params }, world: World) => ({ body: await world.ask('rule', params.id) }) }),
  route({ id: 'rule-check', method: 'POST', path: '/rules/check', access: 'hunt', title: { zh: '检查规则文本', en: 'check the text of a rule' }, body: z.strictObject({ text: ruleText }), answer: ruleCheck, run: async ({ body }, world: World) => ({ body: await world.ask('rule-check', body) }) }),
  route({ id: 'rule-test', method: 'POST', path: '/rules/test', access: 'hunt', title: { zh: '在已存事件上试规则（作业）', en: 'try a rule on the stored events: a job' }, body: z.strictObject({ text: ruleText, hours: z.number().min(0.01).max(24 * 90).default(24) }), answer: jobStarted, run: async ({ body, actor }, world: World) => ({ status: 202, body: await world.ask('rule-test', { ...body, by: actor!.by }) }) }),
  route({ id: 'rule-test-result', method: 'GET', path: '/rules/test/:id', access: 'hunt', title: { zh: '试规则的进度与结果', en: 'how far such a test is, and what came of it' }, params: idParams, answer: ruleTrial, run: async ({ params }, world: World) => ({ body: await world.ask('rule-test-result', params.id) }) }),
  route({ id: 'rule-test-stop', method: 'DELETE', path: '/rules/test/:id', access: 'hunt', title: { zh: '中止试规则', en: 'stop such a test' }, params: idParams, answer: done, run: async ({ params }, world: World) => ({ body: { done: await world.ask('rule-test-stop', params.id) === true } }) }),
  route({ id: 'rule-save', method: 'PUT', path: '/rules/:id', access: 'system', title: { zh: '保存自己的规则，立即生效', en: 'save a rule of your own; it holds at once' }, params: idParams, body: z.strictObject({ text: ruleText, why: why.default('') }), answer: ruleSaved, async run({ params, body, actor }, world: World) {
    const saved = await world.ask('rule-save', { id: params.id, text: body.text });
    await world.audit({ by: actor!.by, operation: 'rule-save', target: params.id, why: body.why, result: 'saved' });
    return { body: saved };
  } }),
  route({ id: 'rule-remove', method: 'DELETE', path: '/rules/:id', access: 'system', title: { zh: '删除自己的规则', en: 'remove a rule of your own' }, params: idParams, answer: ruleSaved, async run({ params, actor }, world: World) {
    const removed = await world.ask('rule-remove', params.id);
    await world.audit({ by: actor!.by, operation: 'rule-remove', target: params.id, why: '', result: 'removed' });
    return { body: removed };
  } }),
  route({ id: 'intelligence', method: 'GET', path: '/intelligence', access: 'read', title: { zh: '正在使用的情报列表', en: 'the intelligence lists in use' }, answer: list(intelligenceList), run: async (_call, world: World) => ({ body: { items: await world.ask('intelligence') } }) }),
  route({ id: 'intelligence-check', method: 'GET', path: '/intelligence/check', access: 'read', title: { zh: '某个地址、域名、网址、哈希或钱包是否在列表上', en: 'whether an address, domain, URL, hash or wallet stands on a list' }, query: z.strictObject({ value: z.string().min(1).max(2000) }), answer: intelligenceCheck, run: async ({ query }, world: World) => ({ body: await world.ask('intelligence-check', query.value) }) }),
  route({ id: 'matrix', method: 'GET', path: '/matrix', access: 'read', title: { zh: 'ATT&CK 与云服务器攻防矩阵：谁覆盖、见过多少', en: 'ATT&CK and the cloud server matrix: what covers it, how often it was seen' }, query: z.strictObject({ since: when, fields: pageQuery.fields }), answer: matrix, run: async ({ query }, world: World) => ({ body: await world.ask('matrix', query.since) }) }),

  route({ id: 'hunt-schema', method: 'GET', path: '/hunt/schema', access: 'hunt', title: { zh: '可查的视图与列', en: 'views and columns that may be asked' }, answer: huntSchema, run: async (_call, world: World) => ({ body: await world.ask('hunt-schema') }) }),
  route({ id: 'hunt', method: 'POST', path: '/hunt', access: 'hunt', title: { zh: '猎捕：对历史与实时状态的只读 SQL，限行数、时间与内存', en: 'hunt: read-only SQL over history and live state, limited in rows, time and memory' }, body: z.strictObject({ sql: z.string().min(1).max(64 * 1024), rows: z.number().int().min(1).max(5000).default(1000), seconds: z.number().min(0.1).max(30).default(10) }), answer: huntResult, async run({ body, actor }, world: World) {
    await world.audit({ by: actor!.by, operation: 'hunt', target: body.sql.slice(0, 1000), why: '', result: 'asked' });
    return { body: await world.ask('hunt', body) };
  } }),
  route({ id: 'hunt-queries', method: 'GET', path: '/hunt/queries', access: 'hunt', title: { zh: '保存的查询：自己的与共享的', en: 'saved queries: one\'s own, and those shared' }, answer: list(savedQuery), run: ({ actor }, world: World) => ({ body: { items: world.store.accounts.queries().filter(({ account, shared }) => shared || account === actor!.account).map(({ id, name, sql, by, created, shared }) => ({ id, name, sql, by, created, shared })) } }) }),
  route({ id: 'hunt-query-save', method: 'POST', path: '/hunt/queries', access: 'hunt', title: { zh: '保存查询', en: 'save a query' }, body: z.strictObject({ name: z.string().min(1).max(100), sql: z.string().min(1).max(64 * 1024), shared: z.boolean().default(false) }), answer: savedQuery, run({ body, actor }, world: World) {
    if (world.store.accounts.queries().length >= savedMost) throw new Problem('conflict', { zh: `最多保存 ${savedMost} 个查询`, en: `expected at most ${savedMost} saved queries` });
    const saved = { id: randomBytes(6).toString('hex'), account: actor!.account, by: actor!.name, created: world.now(), ...body };
    world.store.accounts.saveQuery(saved);
    const { id, name, sql, by, created, shared } = saved;
    return { status: 201, body: { id, name, sql, by, created, shared } };
  } }),
  route({ id: 'hunt-query-remove', method: 'DELETE', path: '/hunt/queries/:id', access: 'hunt', title: { zh: '删除自己保存的查询', en: 'remove a query of one\'s own' }, params: idParams, answer: done, run({ params, actor }, world: World) {
    const found = world.store.accounts.queries().find(({ id, account }) => id === params.id && account === actor!.account);
    if (!found) throw nothing();
    return { body: { done: world.store.accounts.removeQuery(found.id) } };
  } }),

  route({
    id: 'audit', method: 'GET', path: '/audit', access: 'audit', title: { zh: '审计日志，最新在前', en: 'the audit log, newest first' }, answer: page(auditEntry),
    query: z.strictObject({ ...pageQuery, by: z.string().max(200).optional(), operation: z.string().max(100).optional(), target: z.string().max(4096).optional(), via: z.string().max(100).optional(), from: when, to: when }),
    run({ query: { limit: most, cursor, fields: _fields, ...filter } }, world: World) {
      const before = cursor === undefined ? undefined : readCursor(cursor, z.strictObject({ before: z.number().int() })).before;
      const found = world.store.response.auditPage({ limit: most + 1, ...(before !== undefined && { before }), ...filter });
      const last = found[most - 1];
      return { body: { items: found.slice(0, most), ...(found.length > most && last && { next: cursorOf({ before: last.seq }) }) } };
    },
  }),
  route({
    id: 'audit-verify', method: 'POST', path: '/audit/verify', access: 'audit', title: { zh: '校验审计链（可给出另存的末尾哈希）', en: 'verify the chain; with the last hash as it was kept elsewhere' }, body: z.strictObject({ head: z.string().regex(/^[0-9a-f]{64}$/).optional() }), answer: auditVerdict,
    run: async ({ body }, world: World) => ({ body: await world.ask('audit-verify', body.head) }),
  }),
  route({ id: 'reload', method: 'POST', path: '/reload', access: 'system', title: { zh: '重新读取配置', en: 'read the configuration again' }, answer: done, run: async (_call, world: World) => ({ body: { done: await world.ask('reload') === true } }) }),
] as const;
