/** The package whose script did it: it is bad as a whole, so all that it brought belongs to the story. */
import { installedPackage, type InstalledPackage } from '../../core/installed-package.ts';
import type { ProcessNode } from '../../core/lineage.ts';
import { isShipped } from './story-scope.ts';
import { processId } from './story-sketch.ts';
import type { Teller } from './story-teller.ts';

/** A package of more files than this is named; a person removes it with its own manager. */
const filesMax = 100;

/**
 * What the script of this tree was brought by; undefined for what is no package's script, or shows none. The manager itself puts the first
 * process of the script into the folder of the package: what that does later may be anywhere.
 */
export const packageOf = (node: ProcessNode): InstalledPackage | undefined => (node.origin.kind === 'package' ? installedPackage(node.root) : undefined);

const packageId = ({ name, folder }: InstalledPackage): string => `package:${folder ?? name}`;

/** Adds the package with its files, once. */
export function addPackage(teller: Teller, node: ProcessNode): void {
  const found = packageOf(node);
  if (found === undefined) return;
  const { sketch, world } = teller;
  const { root, origin } = node;
  const { name, folder } = found;
  const id = packageId(found);
  if (sketch.has(id)) { sketch.edge(id, processId(root), 'started', root.started); return; }
  const inContainer = root.container !== undefined;
  const files = folder === undefined || inContainer ? undefined : world.files(folder, filesMax);
  if (!sketch.node('package', id, name, origin.since, origin.since, { name, manager: origin.name, path: folder, ...(folder !== undefined && !inContainer && files === undefined && { large: true }) })) return;
  sketch.edge(id, processId(root), 'started', root.started);
  const installer = root.parent;
  for (const path of files ?? []) {
    if (isShipped(world.owner(path))) continue;
    const file = `file:${path}`;
    const look = teller.look(path);
    if (typeof look !== 'object' || !sketch.node('file', file, path, origin.since, origin.since, { path, size: look.size, inode: look.inode, device: look.device, made: true, wrote: true, brought: name }, true)) continue;
    if (installer !== undefined) sketch.edge(processId(installer), file, 'wrote', origin.since);
  }
}
