/** The kernel's own list of its modules. */

export interface Module { name: string; size: number; /** `live`, `loading`, `unloading` */ state: string; /** Letters such as OE: out of tree, unsigned. */ taints: string; /** Modules that need it. */ users: string[]; line: string }

/** Lines of /proc/modules: name size uses users state address (taints). */
export function parseModules(text: string): Map<string, Module> {
  const modules = new Map<string, Module>();
  for (const line of text.split('\n')) {
    const [name = '', size, , users = '', state = '', , taints = ''] = line.split(' ');
    if (name !== '') modules.set(name, { name, size: Number(size), state: state.toLowerCase(), taints: taints.replaceAll(/[()]/g, ''), users: users.split(',').filter((one) => one !== '' && one !== '-' && !one.startsWith('[')), line });
  }
  return modules;
}
