/** The kernel sensor in tests: its worker built from the source as it is, and whether this machine permits it at all. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { MoatError } from '../../core/error.ts';
import { loadObject } from '../../linux/libbpf.ts';

const root = join(import.meta.dirname, '../../..');
export const objects = join(root, 'sensor');

/** True where eBPF is not permitted; `lacks` is that of test/need.ts. An object that the kernel refuses is no reason to skip. */
export async function lacksEbpf(lacks: (needs: { root?: boolean; files?: readonly string[] }) => boolean): Promise<boolean> {
  if (lacks({ root: true, files: ['/sys/kernel/btf/vmlinux'] })) return true;
  try {
    (await loadObject({ file: join(objects, 'base.bpf.o'), needed: ['on_exec'] })).close();
    return false;
  } catch (error) {
    if (!(error instanceof MoatError)) throw error;
    return error.code !== 'refused' && lacks({ files: [`eBPF: ${error.message}`] });
  }
}

export async function buildWorker(): Promise<{ file: string; remove(): void }> {
  const file = join(root, `.cache/ebpf-worker-${process.pid}-${Math.random().toString(36).slice(2)}.mjs`);
  await build({ entryPoints: [join(import.meta.dirname, 'worker.ts')], outfile: file, bundle: true, platform: 'node', format: 'esm', target: 'node20', external: ['koffi'] });
  return { file, remove: () => { rmSync(file, { force: true }); } };
}
