/** What the graph knows of a process, told with each of its events. */
import type { Event } from '../../core/gen/event.ts';
import type { Packages } from '../../core/lineage.ts';
import type { Node } from './node.ts';

/** Fills fields of the event that it lacks; those of the origin always. */
export function enrich(event: Event, node: Node, packages: Packages | undefined): void {
  const { origin } = node.tree;
  event.origin = origin.kind;
  event.origin_ip = origin.source_ip;
  event.origin_user = origin.user;
  event.cgroup ??= node.cgroup;
  event.container_id ??= node.container;
  // A log line's own fields say what it speaks of, not who wrote it.
  if (event.kind === 'sshd' || event.kind === 'sudo' || event.kind === 'auth' || event.kind === 'cron') return;
  event.process_name ??= node.name;
  event.process_path ??= node.path;
  event.process_cmdline ??= node.cmdline;
  event.process_started ??= node.started || undefined;
  const { parent } = node;
  if (parent) {
    event.parent_pid ??= parent.pid;
    event.parent_path ??= parent.path;
    event.parent_cmdline ??= parent.cmdline;
  }
  // What a container calls /usr/bin/x is not the machine's.
  if (packages !== undefined && node.container === undefined) event.package_name ??= packageOf(node, packages);
}

function packageOf(node: Node, packages: Packages): string | undefined {
  if (node.package === undefined && packages.ready && node.path !== undefined) node.package = packages.owner(node.path)?.name ?? null;
  return node.package ?? undefined;
}
