/** Packages for tests, built by rpmbuild itself. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Builds the package `tool` 2:1.5-3 in the folder `top` and gives the paths of what was built. `parts`: the spec from after the description
 * on (further packages, %install, %files); `payload`: how its files are packed, rpm's own choice when left out. Throws what rpmbuild said.
 */
export function buildRpms(top: string, parts: string, payload?: string): string[] {
  mkdirSync(top, { recursive: true });
  const spec = join(top, 'tool.spec');
  writeFileSync(spec, `%define debug_package %{nil}
${payload === undefined ? '' : `%define _binary_payload ${payload}\n`}Name: tool
Epoch: 2
Version: 1.5
Release: 3
Summary: a tool
License: none
BuildArch: noarch
%description
a tool
${parts}`);
  const { status, stderr, error } = spawnSync('rpmbuild', ['-bb', '--define', `_topdir ${top}`, '--define', '_build_id_links none', spec], { encoding: 'utf8' });
  if (status !== 0) throw new Error(error?.message ?? stderr);
  const built = join(top, 'RPMS/noarch');
  return readdirSync(built).map((name) => join(built, name));
}
