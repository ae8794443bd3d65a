/** Descriptions of containers as the engines keep them on the disk. */
import type { Bind, Container } from '../container.ts';
import { joinWords } from '../container.ts';
import { readIni } from '../ini.ts';
import type { ScanContext } from '../port.ts';
import { at, entriesAt, listAt, textAt, textsAt } from '../values.ts';

const bare = (capability: string): string => capability.toUpperCase().replace(/^CAP_/, '');

/** `config.v2.json` and `hostconfig.json` of Docker. Undefined when it is none. */
export function dockerContainer(config: unknown, host: unknown): Container | undefined {
  if (at(config, 'Config') === undefined && at(config, 'Path') === undefined) return undefined;
  const mounts = new Map<string, Bind>();
  for (const text of textsAt(host, 'Binds')) { const bind = bindOf(text); if (bind) mounts.set(bind.target, bind); }
  for (const [target, mount] of entriesAt(config, 'MountPoints')) {
    const source = textAt(mount, 'Source') ?? '';
    if (source.startsWith('/') && textAt(mount, 'Type') !== 'volume' && !mounts.has(target)) mounts.set(target, { source, target, writable: at(mount, 'RW') !== false });
  }
  for (const mount of listAt(host, 'Mounts')) {
    const target = textAt(mount, 'Target') ?? '';
    if (textAt(mount, 'Type') === 'bind' && !mounts.has(target)) mounts.set(target, { source: textAt(mount, 'Source') ?? '', target, writable: at(mount, 'ReadOnly') !== true });
  }
  const namespaces = [['PidMode', 'pid'], ['NetworkMode', 'network'], ['IpcMode', 'ipc'], ['UsernsMode', 'user']] as const;
  return {
    name: (textAt(config, 'Name') ?? '').replace(/^\//, ''), image: textAt(config, 'Config', 'Image') ?? '',
    command: joinWords([textAt(config, 'Path') ?? '', ...textsAt(config, 'Args')].filter((word) => word !== '')),
    privileged: at(host, 'Privileged') === true,
    hostNamespaces: namespaces.filter(([key]) => textAt(host, key) === 'host').map(([, name]) => name),
    binds: [...mounts.values()], capabilities: textsAt(host, 'CapAdd').map(bare),
    unguarded: textsAt(host, 'SecurityOpt').filter((option) => /unconfined|label[=:]disable/.test(option)),
    restarts: /^(?:always|unless-stopped)$/.test(textAt(host, 'RestartPolicy', 'Name') ?? ''),
  };
}

/** `source:target[:options]`; a name without a slash is a volume. */
function bindOf(text: string): Bind | undefined {
  const [source = '', target = '', options = ''] = text.split(':');
  return source.startsWith('/') ? { source, target, writable: !options.split(',').includes('ro') } : undefined;
}

/** `config.json` of the OCI runtime specification. */
export function ociContainer(spec: unknown): Container | undefined {
  if (at(spec, 'process') === undefined && at(spec, 'ociVersion') === undefined) return undefined;
  const own = new Set(listAt(spec, 'linux', 'namespaces').map((one) => textAt(one, 'type')));
  const annotations = entriesAt(spec, 'annotations');
  const noted = (ending: string): string => { const found = annotations.find(([name]) => name.endsWith(ending))?.[1]; return typeof found === 'string' ? found : ''; };
  const capabilities = textsAt(spec, 'process', 'capabilities', 'bounding').map(bare);
  // Nothing masked and the right to do anything: what --privileged makes.
  const privileged = capabilities.includes('SYS_ADMIN') && capabilities.includes('SYS_MODULE') && listAt(spec, 'linux', 'maskedPaths').length === 0;
  return {
    name: noted('.name') || (textAt(spec, 'hostname') ?? ''), image: noted('image-name') || noted('ImageName') || noted('/image'),
    command: joinWords(textsAt(spec, 'process', 'args')), privileged,
    hostNamespaces: (['pid', 'network', 'ipc'] as const).filter((name) => !own.has(name)),
    binds: listAt(spec, 'mounts').filter((mount) => textsAt(mount, 'options').some((option) => option === 'bind' || option === 'rbind') && !/^\/(?:var\/lib\/containers|run\/containers|var\/lib\/kubelet)\//.test(textAt(mount, 'source') ?? '')).map((mount) => ({ source: textAt(mount, 'source') ?? '', target: textAt(mount, 'destination') ?? '', writable: !textsAt(mount, 'options').includes('ro') })),
    capabilities: privileged ? [] : capabilities, unguarded: [], restarts: false,
  };
}

/** A unit of Podman: `[Container]` with Image, Exec, Volume. */
export function quadlet(context: ScanContext, path: string): Container | undefined {
  const settings = readIni(context, path).filter(({ section }) => section === 'container' || section === 'service');
  const all = (key: string): string[] => settings.filter((one) => one.key === key).map(({ value }) => value);
  const args = all('podmanargs').join(' ');
  if (all('image').length === 0) return undefined;
  return {
    name: path.slice(path.lastIndexOf('/') + 1), image: all('image').at(-1) ?? '', command: all('exec').at(-1) ?? '',
    privileged: /--privileged(?:\s|=true|$)/.test(args),
    hostNamespaces: [...(/--pid[ =]host/.test(args) ? ['pid'] : []), ...(all('network').includes('host') ? ['network'] : [])],
    binds: [...all('volume'), ...[...args.matchAll(/(?:-v|--volume)[ =](\S{1,500})/g)].map((one) => one[1]!)].map((text) => bindOf(text)).filter((one) => one !== undefined),
    capabilities: all('addcapability').flatMap((text) => text.split(/\s+/)).map(bare),
    unguarded: settings.filter(({ key, value }) => (key === 'securitylabeldisable' && value === 'true') || (key === 'seccompprofile' && value === 'unconfined')).map(({ text }) => text),
    restarts: all('restart').includes('always'),
  };
}
