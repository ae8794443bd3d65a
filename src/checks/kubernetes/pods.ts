/** Containers of a pod's manifest. */
import { joinWords, type Container } from '../container.ts';
import { at, listAt, textAt, textsAt } from '../values.ts';

/** Those of init containers too; empty when it is no pod. */
export function podContainers(pod: unknown): Container[] {
  if (textAt(pod, 'kind') !== 'Pod') return [];
  const spec = at(pod, 'spec');
  const volumes = new Map(listAt(spec, 'volumes').map((volume) => [textAt(volume, 'name'), textAt(volume, 'hostPath', 'path')]));
  const namespaces = [['hostPID', 'pid'], ['hostNetwork', 'network'], ['hostIPC', 'ipc']] as const;
  return [...listAt(spec, 'initContainers'), ...listAt(spec, 'containers')].map((one) => {
    const security = at(one, 'securityContext');
    return {
      name: `${textAt(pod, 'metadata', 'name') ?? ''}/${textAt(one, 'name') ?? ''}`, image: textAt(one, 'image') ?? '',
      command: joinWords([...textsAt(one, 'command'), ...textsAt(one, 'args')]),
      privileged: at(security, 'privileged') === true,
      hostNamespaces: namespaces.filter(([key]) => at(spec, key) === true).map(([, name]) => name),
      binds: listAt(one, 'volumeMounts').flatMap((mount) => {
        const source = volumes.get(textAt(mount, 'name'));
        return source === undefined ? [] : [{ source, target: textAt(mount, 'mountPath') ?? '', writable: at(mount, 'readOnly') !== true }];
      }),
      capabilities: textsAt(security, 'capabilities', 'add').map((name) => name.toUpperCase().replace(/^CAP_/, '')),
      unguarded: textAt(security, 'seccompProfile', 'type') === 'Unconfined' ? ['seccomp=Unconfined'] : [], restarts: true,
    };
  });
}
