/** Where one may stand in the console, for what must hold everywhere. */
const under = (page: string, parts: readonly string[]): string[] => [page, ...parts.map((part) => `${page}/${part}`)];

export const paths: readonly string[] = [
  '/', '/alerts', '/incidents', '/hunt', '/matrix', '/matrix/attack', '/rules', '/rules/exceptions',
  ...under('/hosts', ['listeners', 'users', 'packages', 'containers', 'integrity', 'scans', 'settings']),
  ...under('/protection', ['receipts', 'playbooks', 'runs', 'linkage', 'allow', 'ports', 'zones', 'quarantine', 'notices']),
  ...under('/posture', ['findings', 'patches', 'scans']),
  ...under('/system', ['sessions', 'accounts', 'roles', 'tokens', 'elevations', 'audit', 'sensors', 'storage', 'about']),
];
