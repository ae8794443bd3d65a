import type * as z from 'zod';
import type { Lang } from '../core/text.ts';
import { configSchema } from './config-schema.ts';

/** The whole configuration as YAML, every key at its default and explained; it reads back as the defaults. */
export function sampleConfig(lang: Lang): string {
  const head = lang === 'zh' ? '# Moat 配置。每个键都可省略，下面写的是默认值；保存后自动生效。' : '# Moat configuration. Every key may be left out; what stands here are the defaults. Saved changes take effect by themselves.';
  return `${head}\n${lines(configSchema, '', lang).join('\n')}\n`;
}

function lines(schema: z.ZodObject, indent: string, lang: Lang): string[] {
  const out: string[] = [];
  for (const [key, raw] of Object.entries(schema.shape)) {
    const field = raw as z.ZodType;
    const meta = field.meta() as Record<Lang, string> | undefined;
    const inner = unwrap(field);
    if (indent === '') out.push('');
    out.push(`${indent}# ${meta?.[lang] ?? ''}`);
    if (inner.def.type === 'object') {
      out.push(`${indent}${key}:`, ...lines(inner as z.ZodObject, `${indent}  `, lang));
      continue;
    }
    const value = field.safeParse(undefined);
    out.push(value.success && value.data !== undefined ? `${indent}${key}: ${JSON.stringify(value.data)}` : `${indent}# ${key}:`);
  }
  return out;
}

/** Takes default, prefault and optional wrappers off. */
function unwrap(schema: z.ZodType): z.ZodType {
  let inner = schema;
  while ('innerType' in inner.def) inner = inner.def['innerType'] as z.ZodType;
  return inner;
}
