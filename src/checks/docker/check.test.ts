import { rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { lacks } from '../../../test/need.ts';
import { makeRoot, scanRoot, scanWithout, shown } from '../../../test/throwaway-root.ts';
import { Procfs } from '../../linux/procfs.ts';
import { docker } from './check.ts';

const json = '/etc/docker/daemon.json';
const unit = '/etc/systemd/system/docker.service.d/remote.conf';
const told = async (planted: Parameters<typeof makeRoot>[0]) => (await scanRoot([docker], planted)).findings.map(({ kind, level, path }) => `${kind} ${level} ${path}`);
const at = (id: string): string => `/var/lib/docker/containers/${id}/config.v2.json`;
const container = (id: string, image: string, command: string[], host: object): Record<string, string> => ({
  [at(id)]: JSON.stringify({ Name: `/${id}`, Path: command[0], Args: command.slice(1), Config: { Image: image, Env: ['DB_PASSWORD=x'] } }), [at(id).replace('config.v2', 'hostconfig')]: JSON.stringify(host),
});

describe('docker', () => {
  it('finds an engine that asks nobody', async () => {
    expect(await told({ [json]: '{"hosts":["unix:///var/run/docker.sock","tcp://0.0.0.0:2375"]}' })).toEqual([`weakness critical ${json}`]);
    expect(await told({ [json]: '{"hosts":["tcp://127.0.0.1:2375"],"insecure-registries":["registry.example:5000","0.0.0.0/0"]}' })).toEqual([`weakness high ${json}`, `weakness medium ${json}`, `weakness low ${json}`]);
    expect(await told({ [json]: '{"hosts":["tcp://0.0.0.0:2376"],"tlsverify":true,"registry-mirrors":["https://mirror.example"],"log-driver":"json-file"}' })).toEqual([]);
    expect(await told({ [unit]: '[Service]\nExecStart=\nExecStart=/usr/bin/dockerd -H fd:// \\\n  -H tcp://0.0.0.0:2375\n' })).toEqual([`weakness critical ${unit}`]);
    expect(await told({ [unit]: '[Service]\nExecStart=/usr/bin/dockerd --tlsverify -H tcp://0.0.0.0:2376 -H fd://\n' })).toEqual([]);
    expect(await told({ '/etc/systemd/system/docker.socket': '[Socket]\nListenStream=2375\n' })).toEqual(['weakness critical /etc/systemd/system/docker.socket']);
    expect(await told({ [json]: '{"runtimes":{"x":{"path":"/tmp/runc"}}}', '/tmp/runc': { text: 'x', mode: 0o755 } })).toEqual([`intrusion high ${json}`]);
  });

  it('finds containers that are no wall', async () => {
    const root = makeRoot({
      ...container('plain', 'nginx:1', ['/docker-entrypoint.sh', 'nginx', '-g', 'daemon off;'], { NetworkMode: 'host', Binds: ['/srv/site:/usr/share/nginx/html:ro', '/etc/localtime:/etc/localtime:ro', 'data:/data'], RestartPolicy: { Name: 'always' } }),
      ...container('privileged', 'debian:12', ['sleep', '1d'], { Privileged: true, PidMode: 'host' }),
      ...container('socket', 'portainer/portainer-ce', ['/portainer'], { Binds: ['/var/run/docker.sock:/var/run/docker.sock'] }),
      ...container('exporter', 'prom/node-exporter', ['/bin/node_exporter'], { PidMode: 'host', Binds: ['/:/host:ro'] }),
      ...container('disk', 'alpine', ['sh'], { Binds: ['/:/mnt'], RestartPolicy: { Name: 'always' } }),
      ...container('caps', 'debian:12', ['sleep'], { CapAdd: ['CAP_SYS_ADMIN', 'NET_ADMIN'], SecurityOpt: ['seccomp=unconfined'] }),
      ...container('escape', 'alpine', ['chroot', '/mnt', 'sh', '-c', 'id'], { Binds: ['/:/mnt'], RestartPolicy: { Name: 'always' } }),
      ...container('coins', 'example/xmrig:latest', ['/xmrig', '-o', 'stratum+tcp://pool.example:3333'], {}),
    });
    const report = await scanRoot([docker], root);
    expect(report.findings.map(({ kind, level, path }) => `${kind} ${level} ${path?.split('/')[5]}`)).toEqual(['intrusion critical coins', 'intrusion critical escape', 'weakness high disk', 'weakness high privileged', 'weakness medium caps', 'weakness medium socket', 'weakness low exporter']);
    expect(JSON.stringify(report)).not.toContain('DB_PASSWORD');
    rmSync(join(root, 'var/lib/docker'), { recursive: true });
    expect(shown(await scanRoot([docker], root))).toEqual([]);
  });

  it('looks at Podman and containerd, and where Docker keeps its data', async () => {
    const spec = { ociVersion: '1', process: { args: ['nsenter', '-t', '1', '-m', 'sh'], capabilities: { bounding: [] } }, linux: { namespaces: [{ type: 'pid' }] }, mounts: [] };
    const oci = '/run/containerd/io.containerd.runtime.v2.task/default/x/config.json';
    expect(await told({ [oci]: JSON.stringify(spec) })).toEqual([`intrusion critical ${oci}`]);
    const quadlet = '/etc/containers/systemd/web.container';
    expect(await told({ [quadlet]: '[Container]\nImage=docker.io/library/nginx\nVolume=/:/host\n' })).toEqual([`weakness high ${quadlet}`]);
    expect(await told({ [quadlet]: '[Container]\nImage=docker.io/library/nginx\nVolume=/srv/x:/x\n[Install]\nWantedBy=default.target\n' })).toEqual([]);
    const [config, host] = Object.entries(container('x', 'a', ['sh'], { Privileged: true }));
    expect(await told({ [json]: '{"data-root":"/data/docker"}', [config![0].replace('/var/lib', '/data')]: config![1], [host![0].replace('/var/lib', '/data')]: host![1] })).toEqual(['weakness high /data/docker/containers/x/config.v2.json']);
  });

  it('finds an open socket and an open port', async () => {
    const root = makeRoot({ '/proc/net/tcp': 'head\n   0: 00000000:0947 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4242 1\n   1: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4243 1\n' });
    mkdirSync(join(root, 'run'));
    const server = createServer();
    onTestFinished(() => { server.close(); });
    await new Promise<void>((resolve) => { server.listen(join(root, 'run/docker.sock'), resolve); });
    chmodSync(join(root, 'run/docker.sock'), 0o666);
    const report = await scanRoot([docker], root, { procfs: new Procfs(root) });
    expect(report.findings.map(({ level, path, address }) => `${level} ${path ?? address}`)).toEqual(['critical 0.0.0.0', 'critical /run/docker.sock']);
    chmodSync(join(root, 'run/docker.sock'), 0o660);
    expect(shown(await scanRoot([docker], root))).toEqual([]);
  });

  it('bears hostile descriptions and says what it could not read', async () => {
    const report = await scanRoot([docker], { [at('a')]: '{"Config":[],"Path":{},"Args":"x","MountPoints":{"a":null,"__proto__":1}}', [at('b')]: '[]', [at('c')]: '{', [json]: '['.repeat(100_000) });
    expect(report.findings).toEqual([]);
    expect(report.blind.map(({ what }) => what)).toEqual([json, at('b'), at('c')]);
  });

  it.skipIf(lacks({ root: true }))('says what it may not read', async () => {
    const report = await scanWithout([docker], makeRoot({ [json]: '{}' }), json);
    expect(report.blind.map(({ what }) => what)).toContain(json);
  });
});
