/** Programs of Moat's own that run in a process of their own: they stand beside whoever starts them, in the bundle as in the sources. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { extname } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** Arguments for node to run the program `name`, from the module with this `import.meta.url`; undefined when it is not there. */
export function besideArguments(url: string, name: string): string[] | undefined {
  const file = fileURLToPath(new URL(`./${name}${extname(fileURLToPath(url))}`, url));
  return existsSync(file) ? programArguments(file) : undefined;
}

/** From the sources: Node 20 cannot read TypeScript by itself. */
export function programArguments(file: string): string[] {
  return extname(file) === '.ts' ? ['--import', pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href, file] : [file];
}
