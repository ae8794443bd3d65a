import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { containerInfo } from './containers.ts';
import { timedUnits } from './timers.ts';

const id = 'ab12'.repeat(16);
let root: string;
beforeEach(() => { root = mkdtempSync(join(tmpdir(), 'moat-containers-')); });
afterEach(() => { rmSync(root, { recursive: true }); });

function put(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

describe('a container by its id', () => {
  it('of Docker', () => {
    put(`var/lib/docker/containers/${id}/config.v2.json`, JSON.stringify({ ID: id, Name: '/shop', Config: { Image: 'registry.example/shop:1.4' } }));
    expect(containerInfo(root, id)).toEqual({ id, runtime: 'docker', name: 'shop', image: 'registry.example/shop:1.4' });
  });

  it('of Kubernetes on containerd', () => {
    put(`run/containerd/io.containerd.runtime.v2.task/k8s.io/${id}/config.json`, JSON.stringify({ annotations: { 'io.kubernetes.cri.container-name': 'app', 'io.kubernetes.cri.image-name': 'shop:1.4', 'io.kubernetes.cri.sandbox-name': 'shop-7f', 'io.kubernetes.cri.sandbox-namespace': 'prod' } }));
    expect(containerInfo(root, id)).toEqual({ id, runtime: 'containerd (k8s)', name: 'prod/shop-7f/app', image: 'shop:1.4' });
  });

  it('of Podman', () => {
    put('var/lib/containers/storage/overlay-containers/containers.json', JSON.stringify([{ id: 'other' }, { id, names: ['shop'], metadata: JSON.stringify({ 'image-name': 'shop:1.4', name: 'shop' }) }]));
    expect(containerInfo(root, id)).toEqual({ id, runtime: 'podman', name: 'shop', image: 'shop:1.4' });
  });

  it('unknown, half written, of another form or a path in disguise: nothing', () => {
    put(`var/lib/docker/containers/${id}/config.v2.json`, '{"Name": "/sh');
    expect(containerInfo(root, id)).toBeUndefined();
    put(`var/lib/docker/containers/${id}/config.v2.json`, '[1]');
    expect(containerInfo(root, id)).toBeUndefined();
    for (const bad of ['../../../etc', id.toUpperCase(), id.slice(1)]) expect(containerInfo(root, bad)).toBeUndefined();
  });
});

describe('units that timers start', () => {
  it('by name, or as Unit= says', () => {
    put('usr/lib/systemd/system/logrotate.timer', '[Timer]\nOnCalendar=daily\n');
    put('etc/systemd/system/nightly.timer', '[Timer]\nOnCalendar=03:00\nUnit=backup.service\n');
    put('usr/lib/systemd/system/nginx.service', '[Service]\n');
    expect([...timedUnits(root)].sort()).toEqual(['backup.service', 'logrotate.service']);
  });
});
