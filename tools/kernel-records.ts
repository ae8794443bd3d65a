/** What schema/kernel.yml says as C structures and as TypeScript readers; used by gen.ts. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

const sizes = { u8: 1, u16: 2, u32: 4, s32: 4, u64: 8, bytes16: 16 } as const;
type FieldType = keyof typeof sizes;
interface RecordSpec { number: number; urgent?: boolean; fields?: Record<string, FieldType>; strings?: Record<string, { type: 'text' | 'latin1'; max: number }> }
interface KernelSchema { head: Record<string, FieldType>; records: Record<string, RecordSpec> }
interface Placed { name: string; type: FieldType; at: number }
interface Layout { fields: Placed[]; size: number }

const from = 'schema/kernel.yml';

/** Offsets in declared order, each field aligned to its size; the whole to 8 bytes. */
function layout(fields: readonly [string, FieldType][], start: number): Layout {
  let at = start;
  const placed: Placed[] = [];
  for (const [name, type] of fields) {
    const align = type === 'bytes16' ? 4 : sizes[type];
    at = Math.ceil(at / align) * align;
    placed.push({ name, type, at });
    at += sizes[type];
  }
  return { fields: placed, size: Math.ceil(at / 8) * 8 };
}

function load(file: string): { head: Layout; records: { name: string; spec: RecordSpec; body: Layout }[] } {
  const schema = parse(readFileSync(file, 'utf8')) as KernelSchema;
  const head = layout(Object.entries(schema.head), 0);
  const numbers = new Set<number>();
  const records = Object.entries(schema.records).map(([name, spec]) => {
    if (numbers.has(spec.number)) throw new Error(`${from}: number ${spec.number} is given twice`);
    numbers.add(spec.number);
    const lengths = Object.keys(spec.strings ?? {}).map((text): [string, FieldType] => [`${text}_len`, 'u16']);
    return { name, spec, body: layout([...Object.entries(spec.fields ?? {}), ...lengths], head.size) };
  });
  return { head, records };
}

/** sensor/gen/records.h. Gaps are fields of their own, so that nothing of the kernel's stack gets out by them. */
export function kernelHeader(file: string): string {
  const { head, records } = load(file);
  const members = ({ fields, size }: Layout, start: number): string => {
    let at = start;
    const lines: string[] = [];
    const gap = (to: number): void => { if (to > at) lines.push(`\tu8 pad${at}[${to - at}];`); };
    for (const field of fields) {
      gap(field.at);
      lines.push(field.type === 'bytes16' ? `\tu8 ${field.name}[16];` : `\t${field.type} ${field.name};`);
      at = field.at + sizes[field.type];
    }
    gap(size);
    return lines.join('\n');
  };
  return `/* Generated from ${from} by \`npm run gen\`. Do not edit. */
#ifndef MOAT_RECORDS_H
#define MOAT_RECORDS_H

enum record_type {
${records.map(({ name, spec }) => `\tRECORD_${name.toUpperCase()} = ${spec.number},`).join('\n')}
};

struct head {
${members(head, 0)}
};
_Static_assert(sizeof(struct head) === ${head.size}, "head");
${records.map(({ name, body }) => `
struct record_${name} {
\tstruct head head;
${members(body, head.size)}
};
_Static_assert(sizeof(struct record_${name}) === ${body.size}, "${name}");
`).join('')}
#endif
`.replaceAll(' === ', ' == ');
}

const camel = (name: string): string => name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
const pascal = (name: string): string => camel(`_${name}`);

/** src/sensors/ebpf/gen/records.ts. */
export function kernelReader(file: string): string {
  const { head, records } = load(file);
  const read = ({ type, at }: Placed): string => {
    switch (type) {
      case 'u8': return `r.u8[at + ${at}]!`;
      case 'u16': return `r.u16[(at + ${at}) >> 1]!`;
      case 'u32': return `r.u32[(at + ${at}) >> 2]!`;
      case 's32': return `r.u32[(at + ${at}) >> 2]! | 0`;
      case 'u64': return `r.u32[(at + ${at + 4}) >> 2]! * 0x1_0000_0000 + r.u32[(at + ${at}) >> 2]!`;
      case 'bytes16': return `at + ${at}`;
    }
  };
  const heads = head.fields.filter(({ name }) => name !== 'type');
  return `// Generated from ${from} by \`npm run gen\`. Do not edit.

/** Bytes that hold records, seen in the widths that fields have. Records begin at multiples of 8. */
export interface Bytes { u8: Uint8Array; u16: Uint16Array; u32: Uint32Array; buffer: Slices }
/** What a Buffer has of old, though its types do not say so: twice as fast as toString(). */
export interface Slices { utf8Slice(from: number, to: number): string; latin1Slice(from: number, to: number): string }

export const recordTypes = { ${records.map(({ name, spec }) => `${camel(name)}: ${spec.number}`).join(', ')} } as const;
/** Bytes of fixed fields, by type: a shorter record is broken. */
export const recordSizes: Readonly<Record<number, number>> = { ${records.map(({ spec, body }) => `${spec.number}: ${body.size}`).join(', ')} };

export interface Head { ${heads.map(({ name }) => `${camel(name)}: number`).join('; ')} }

const head: Head = { ${heads.map(({ name }) => `${camel(name)}: 0`).join(', ')} };

/** The head of the record at \`at\`; the object is filled anew by the next call. */
export function readHead(r: Bytes, at: number): Head {
${heads.map((field) => `  head.${camel(field.name)} = ${read(field)};`).join('\n')}
  return head;
}
${records.filter(({ body, spec }) => body.fields.length > 0 || spec.strings).map(({ name, spec, body }) => {
    const strings = Object.entries(spec.strings ?? {});
    const lengths = new Set(strings.map(([text]) => `${text}_len`));
    const fields = body.fields.filter((field) => !lengths.has(field.name));
    const lines = fields.map((field) => `  ${camel(name)}.${camel(field.name)} = ${read(field)};`);
    if (strings.length > 0) lines.push(`  let from = at + ${body.size};`);
    for (const [index, [text, { type }]] of strings.entries()) {
      const length = body.fields.find((field) => field.name === `${text}_len`);
      if (!length) throw new Error(`${from}: ${name}.${text} has no length`);
      lines.push(`  const ${camel(text)}End = Math.min(end, from + ${read(length)});`);
      lines.push(`  ${camel(name)}.${camel(text)} = from < ${camel(text)}End ? r.buffer.${type === 'text' ? 'utf8Slice' : 'latin1Slice'}(from, ${camel(text)}End) : '';`);
      if (index + 1 < strings.length) lines.push(`  from = ${camel(text)}End;`);
    }
    const members = [...fields.map((field) => [camel(field.name), 'number', '0'] as const), ...strings.map(([text]) => [camel(text), 'string', "''"] as const)];
    return `
export interface ${pascal(name)}Record { ${members.map(([member, type]) => `${member}: ${type}`).join('; ')} }

const ${camel(name)}: ${pascal(name)}Record = { ${members.map(([member, , empty]) => `${member}: ${empty}`).join(', ')} };

/** ${strings.length > 0 ? 'Strings end at the byte given at the latest. ' : ''}The object is filled anew by the next call.${fields.some(({ type }) => type === 'bytes16') ? ' An address is told as the place where its 16 bytes stand.' : ''} */
export function read${pascal(name)}(r: Bytes, at: number${strings.length > 0 ? ', end: number' : ''}): ${pascal(name)}Record {
${lines.join('\n')}
  return ${camel(name)};
}
`;
  }).join('')}`;
}
