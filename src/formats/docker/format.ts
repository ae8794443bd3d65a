import type { LogFormat } from '../../core/format.ts';
import { ContainerDecoder, type Wrapped } from '../container-lines.ts';
import { asText, parseRecord } from '../json.ts';

/**
 * Docker's json-file driver: `{"log":"…\n","stream":"stderr","time":"…"}`; a long line comes in parts without `\n`.
 * `inner` gives the formats that the containers' own lines may be of; it is asked when a log is opened.
 */
export const docker = (inner: () => readonly LogFormat[]): LogFormat => ({
  id: 'docker',
  title: { zh: 'Docker 容器日志', en: 'Docker container log' },
  paths: ['/var/lib/docker/containers/*/*-json.log'],
  aliases: ['docker-json', 'json-file'],
  sniff: (line) => line.startsWith('{"log":"') && line.includes('"time":"', Math.max(0, line.length - 300)) ? 1 : 0,
  open: (context, emit) => new ContainerDecoder(inner().filter(({ id }) => id !== 'docker' && id !== 'cri'), unwrap, context, emit),
});

function unwrap(line: string): Wrapped | undefined {
  const record = parseRecord(line);
  const text = asText(record?.log);
  if (!record || text === undefined) return undefined;
  return { text, stream: asText(record.stream) ?? '', time: asText(record.time) ?? '', partial: !text.endsWith('\n') };
}
