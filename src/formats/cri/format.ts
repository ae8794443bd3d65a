import type { LogFormat } from '../../core/format.ts';
import { ContainerDecoder, type Wrapped } from '../container-lines.ts';

/**
 * containerd and CRI-O: `2026-11-22T02:27:01.123456789Z stderr F TEXT`; P marks a part of a line, F its end.
 * `inner` gives the formats that the containers' own lines may be of; it is asked when a log is opened.
 */
export const cri = (inner: () => readonly LogFormat[]): LogFormat => ({
  id: 'cri',
  title: { zh: 'Kubernetes 容器日志（CRI）', en: 'Kubernetes container log (CRI)' },
  paths: ['/var/log/pods/*/*/*.log', '/var/log/containers/*.log'],
  aliases: ['containerd', 'kubernetes'],
  sniff: (line) => shape.test(line.slice(0, 80)) ? 1 : 0,
  open: (context, emit) => new ContainerDecoder(inner().filter(({ id }) => id !== 'docker' && id !== 'cri'), unwrap, context, emit),
});

const shape = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)) (stdout|stderr) ([PF])(?::\S+)?(?: |$)/;

function unwrap(line: string): Wrapped | undefined {
  const found = shape.exec(line.slice(0, 80));
  if (!found) return undefined;
  return { text: line.slice(found[0].length), stream: found[2] ?? '', time: found[1] ?? '', partial: found[3] === 'P' };
}
