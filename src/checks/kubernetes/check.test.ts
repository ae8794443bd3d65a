import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lacks } from '../../../test/need.ts';
import { makeRoot, scanRoot, scanWithout, shown } from '../../../test/throwaway-root.ts';
import { kubernetes } from './check.ts';

const config = '/var/lib/kubelet/config.yaml';
const folder = '/etc/kubernetes/manifests';
const told = async (planted: Parameters<typeof makeRoot>[0]) => (await scanRoot([kubernetes], planted)).findings.map(({ kind, level, path }) => `${kind} ${level} ${path}`);
const pod = (image: string, more = '', mount = ''): string => `apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\nspec:\n  containers:\n  - name: c\n    image: ${image}\n${more}${mount === '' ? '' : `    volumeMounts:\n    - name: v\n      mountPath: /host\n  volumes:\n  - name: v\n    hostPath:\n      path: ${mount}\n`}`;

describe('kubernetes', () => {
  it('finds a kubelet that lets anybody in', async () => {
    expect(await told({ [config]: 'authentication:\n  anonymous:\n    enabled: true\nauthorization:\n  mode: AlwaysAllow\n' })).toEqual([`weakness critical ${config}`]);
    expect(await told({ [config]: 'authorization:\n  mode: AlwaysAllow\nreadOnlyPort: 10255\n' })).toEqual([`weakness high ${config}`, `weakness medium ${config}`]);
    expect(await told({ [config]: 'authentication:\n  anonymous:\n    enabled: false\n  webhook:\n    enabled: true\nauthorization:\n  mode: Webhook\nreadOnlyPort: 0\n' })).toEqual([]);
    const flags = '/var/lib/kubelet/kubeadm-flags.env';
    expect(await told({ [flags]: 'KUBELET_KUBEADM_ARGS="--anonymous-auth=true --read-only-port=10255"\n' })).toEqual([`weakness medium ${flags}`, `weakness medium ${flags}`]);
    expect(await told({ [flags]: 'KUBELET_KUBEADM_ARGS="--anonymous-auth=false --read-only-port=0 --pod-infra-container-image=pause"\n' })).toEqual([]);
  });

  it('reads flags in every way they are written', async () => {
    const unit = '/etc/systemd/system/kubelet.service';
    const flagged = async (line: string): Promise<string[]> => told({ [unit]: `[Service]\nExecStart=/usr/bin/kubelet ${line}\n` });
    for (const line of ['--anonymous-auth true', '--anonymous-auth', '--anonymous-auth --v=2', '--anonymous-auth="true"', '"--anonymous-auth"  "true"', '--anonymous-auth=1', '--read-only-port   10255', '--read-only-port \\\n 10255', "--token-auth-file '/etc/t.csv'"]) expect(await flagged(line), line).toEqual([`weakness medium ${unit}`]);
    expect(await flagged('--authorization-mode "Webhook,AlwaysAllow"')).toEqual([`weakness high ${unit}`]);
    for (const line of ['--anonymous-auth false', '--anonymous-auth=false', '"--anonymous-auth" "false"', '--read-only-port 0', '--authorization-mode Webhook', '--not-anonymous-auth', '--anonymous-auth-x true', '--anonymous-auth'.repeat(20_000)]) expect(await flagged(line), line.slice(0, 50)).toEqual([]);
    expect(await told({ '/etc/rancher/k3s/config.yaml': 'kubelet-arg:\n  - "anonymous-auth=true"\n' })).toEqual(['weakness medium /etc/rancher/k3s/config.yaml']);
    expect(await told({ '/etc/rancher/k3s/config.yaml': 'kubelet-arg:\n  - "anonymous-auth=false"\n# anonymous-auth=true\n' })).toEqual([]);
  });

  it('reads the settings that the flags name', async () => {
    const open = 'kind: KubeletConfiguration\nauthentication:\n  anonymous:\n    enabled: true\nauthorization:\n  mode: AlwaysAllow\n';
    const unit = (line: string) => ({ '/etc/default/kubelet': `KUBELET_EXTRA_ARGS="${line}"\n` });
    expect(await told({ ...unit('--config /srv/k/kubelet.yml --v=2'), '/srv/k/kubelet.yml': open })).toEqual(['weakness critical /srv/k/kubelet.yml']);
    expect(await told({ ...unit('--config-dir=/srv/k'), '/srv/k/90-x.conf': open })).toEqual(['weakness critical /srv/k/90-x.conf']);
    expect(await told({ ...unit('--kubeconfig=/srv/k/kubelet.yml'), '/srv/k/kubelet.yml': open })).toEqual([]);
    expect(await told({ [config]: open.replace('true', 'false').replace('AlwaysAllow', 'Webhook'), '/etc/kubernetes/kubelet/kubelet-config.json': JSON.stringify({ authorization: { mode: 'AlwaysAllow' }, readOnlyPort: 10255 }) })).toEqual(['weakness high /etc/kubernetes/kubelet/kubelet-config.json', 'weakness medium /etc/kubernetes/kubelet/kubelet-config.json']);
    expect((await scanRoot([kubernetes], { ...unit('--config=/srv/k/a.yaml'), '/srv/k/a.yaml': 'a: [b\n' })).blind.map(({ what }) => what)).toEqual(['/srv/k/a.yaml']);
  });

  it('finds pods that the kubelet starts by itself', async () => {
    const root = makeRoot({
      [`${folder}/kube-apiserver.yaml`]: pod('registry.example/kube-apiserver:v1.30', '    command: [kube-apiserver, --authorization-mode=Node]\n', '/etc/kubernetes/pki'),
      [`${folder}/etcd.yaml`]: pod('registry.example/etcd:3.5', '', '/var/lib/etcd'),
      [`${folder}/a.yaml`]: pod('alpine', '    command: [sh, -c, "chroot /host sh -c id"]\n', '/'),
      [`${folder}/b.yaml`]: pod('alpine', '    securityContext:\n      privileged: true\n'),
      [`${folder}/c.yaml`]: pod('registry.example/agent'),
      [`${folder}/d.yaml`]: pod('kube-apiserver', '    command: [kube-apiserver, --authorization-mode=AlwaysAllow]\n'),
    });
    expect(shown(await scanRoot([kubernetes], root))).toEqual([`critical ${folder}/a.yaml`, `high ${folder}/b.yaml`, `high ${folder}/d.yaml`, `low ${folder}/c.yaml`]);
    for (const name of ['a', 'b', 'c', 'd']) rmSync(join(root, folder, `${name}.yaml`));
    expect(shown(await scanRoot([kubernetes], root))).toEqual([]);
    expect(await told({ [config]: 'staticPodPath: /opt/pods\n', '/opt/pods/x.yaml': pod('alpine', '', '/') })).toEqual(['weakness high /opt/pods/x.yaml']);
  });

  it('finds papers that others may read', async () => {
    const paper = 'apiVersion: v1\nkind: Config\nusers:\n- name: admin\n  user:\n    client-key-data: QUJD\n';
    expect(await told({ '/etc/kubernetes/admin.conf': { text: paper, mode: 0o644 }, '/root/.kube/config': { text: paper, mode: 0o600 } })).toEqual(['weakness high /etc/kubernetes/admin.conf']);
    const token = `eyJhbGciOiJSUzI1NiJ9.${Buffer.from('{"sub":"system:serviceaccount:kube-system:default","iss":"kubernetes"}').toString('base64url')}.${'c2ln'.repeat(10)}`;
    const other = `eyJhbGciOiJSUzI1NiJ9.${Buffer.from('{"sub":"somebody else of another house"}').toString('base64url')}.${'c2ln'.repeat(10)}`;
    const report = await scanRoot([kubernetes], { '/tmp/t': token, '/home/lin/token': token, '/home/lin/other': other });
    expect(report.findings.map(({ kind, level, path }) => `${kind} ${level} ${path}`)).toEqual(['weakness medium /home/lin/token', 'intrusion medium /tmp/t']);
    expect(JSON.stringify(report)).not.toContain('c2lnc2ln');
  });

  it('bears hostile manifests', async () => {
    const report = await scanRoot([kubernetes], { [`${folder}/a.yaml`]: 'a: &a [x]\n' + 'b: [*a, *a]\n'.repeat(200), [`${folder}/b.yaml`]: '{'.repeat(100_000), [`${folder}/c.yaml`]: 'kind: Pod\nspec: 7\n---\n- kind\n', [`${folder}/d.yaml`]: Array.from({ length: 3000 }, (_, i) => `${' '.repeat(i % 80)}- a:`).join('\n'), '/tmp/x': 'eyJ'.repeat(20_000) });
    expect(report.findings).toEqual([]);
    expect(report.blind.map(({ what }) => what)).toContain(`${folder}/b.yaml`);
  });

  it.skipIf(lacks({ root: true }))('says what it could not read', async () => {
    const report = await scanWithout([kubernetes], makeRoot({ [`${folder}/a.yaml`]: pod('alpine') }), folder);
    expect(report.blind.map(({ what }) => what)).toContain(folder);
  });
});
