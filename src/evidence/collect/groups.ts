/** What can be asked for by name. */
export const groups = ['process', 'memory', 'kernel', 'network', 'session', 'system', 'storage', 'container', 'unit', 'package', 'log', 'web', 'shell', 'file'] as const;
export type Group = typeof groups[number];

/** `kcore`: the machine's memory, beside that of suspect processes. */
export const memoryKinds = ['none', 'processes', 'kcore'] as const;
export type MemoryKind = typeof memoryKinds[number];
