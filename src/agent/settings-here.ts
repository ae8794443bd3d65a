/**
 * What is set through the API rather than in the configuration file: it stands in `settings.json` of the data folder, since the service may
 * write nowhere else, and is laid over the file. The file is the user's own and is never written.
 */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { MoatError } from '../core/error.ts';
import { type Config, configSchema } from './config-schema.ts';

const who = { id: z.string().max(64), by: z.string().max(200), created: z.number() };
const word = z.union([z.string().max(1000), z.number()]);
const shape = z.strictObject({
  version: z.literal(1),
  mode: z.enum(['observe', 'guard', 'strict']).optional(),
  allow: z.array(z.strictObject({ ...who, network: z.string().max(100), why: z.string().max(1000) })).max(2000).default([]),
  exceptions: z.array(z.strictObject({ ...who, rule: z.string().min(1).max(200), when: z.record(z.string(), z.union([word, z.array(word)])), why: z.string().min(1).max(1000), until: z.iso.date().optional() })).max(2000).default([]),
  ports: z.strictObject({ enforce: z.boolean(), ports: z.array(z.unknown()).max(1000) }).optional(),
  zones: z.strictObject({ zones: z.array(z.unknown()).max(12), flows: z.array(z.unknown()).max(1000) }).optional(),
});
export type Here = z.infer<typeof shape>;
const sizeMax = 4 << 20;

const nothing = (): Here => ({ version: 1, allow: [], exceptions: [] });

export class SettingsHere {
  private readonly path: string;
  private readonly ownRules: string;
  private here: Here;

  /** Throws MoatError 'invalid' for a file that is damaged: rules and blocks that were set must not be gone unseen. */
  constructor(dataFolder: string) {
    this.path = join(dataFolder, 'settings.json');
    this.ownRules = join(dataFolder, 'rules');
    this.here = this.read();
  }

  get(): Here { return this.here; }
  /** Where rules that were written through the API lie. */
  get rulesFolder(): string { return this.ownRules; }

  /** The configuration with what was set here. Throws MoatError 'invalid' when both together make no sense. */
  over(config: Config, here: Here = this.here): Config {
    const { mode, allow, exceptions, ports, zones } = here;
    const laid = {
      ...config,
      exceptions: [...config.exceptions, ...exceptions.map(({ rule, when, why, until }) => ({ rule, when, why, ...(until !== undefined && { until }) }))],
      rules: { ...config.rules, dirs: [...config.rules.dirs, ...(existsSync(this.ownRules) ? [this.ownRules] : [])] },
      response: { ...config.response, ...(mode && { mode }), allow: [...config.response.allow, ...allow.map(({ network }) => network)] },
      firewall: { ...config.firewall, ...(ports && { enforce: ports.enforce, ports: ports.ports }), ...(zones && { zones: zones.zones, flows: zones.flows }) },
    };
    const read = configSchema.safeParse(laid);
    if (read.success) return read.data;
    const [issue] = read.error.issues;
    throw new MoatError('invalid', `${this.path}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`, { zh: `通过 API 所作的设置有误（${issue?.path.join('.') ?? ''}：${issue?.message ?? ''}）` });
  }

  /** On disk when it returns. Throws MoatError 'bad-input' when it does not fit, and 'invalid' when it makes no sense over `config`: then nothing is written, since the next start would refuse it. */
  set(next: Here, config?: Config): void {
    const read = shape.safeParse(next);
    if (!read.success) throw new MoatError('bad-input', `${read.error.issues[0]?.path.join('.') ?? ''}: ${read.error.issues[0]?.message ?? ''}`);
    if (config) this.over(config, read.data);
    const text = Buffer.from(JSON.stringify(read.data, undefined, 1));
    // In bytes, as it is read again.
    if (text.length > sizeMax) throw new MoatError('full', 'there are too many settings', { zh: '设置太多' });
    mkdirSync(join(this.path, '..'), { recursive: true, mode: 0o700 });
    const fd = openSync(`${this.path}.new`, 'w', 0o600);
    try {
      writeFileSync(fd, text); // all of it: a nearly full disk takes a part and says so by the next write
      fsyncSync(fd);
    } finally { closeSync(fd); }
    renameSync(`${this.path}.new`, this.path);
    this.here = read.data;
  }

  private read(): Here {
    if (!existsSync(this.path)) return nothing();
    try {
      if (statSync(this.path).size > sizeMax) throw new Error(`larger than ${sizeMax} bytes`);
      return shape.parse(JSON.parse(readFileSync(this.path, 'utf8')));
    } catch (error) {
      throw new MoatError('invalid', `expected settings as Moat wrote them in ${this.path}: ${(error as Error).message.slice(0, 300)}`, { zh: `${this.path} 已损坏`, hint: `move ${this.path} away to go on without what was set through the API`, cause: error });
    }
  }
}
