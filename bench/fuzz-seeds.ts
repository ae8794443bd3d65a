/** Valid input to start from: what the repository's own tests hold, so nothing has to be kept twice. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { parse } from 'yaml';

const root = fileURLToPath(new URL('..', import.meta.url));

export function filesBelow(folder: string, fits: (name: string) => boolean): string[] {
  return readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1)).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesBelow(path, fits) : entry.isFile() && fits(entry.name) ? [path] : [];
  });
}

/** The texts of 12 characters and more in a test file, split into lines. */
function textsOf(file: string): string[] {
  const out: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node)) out.push(...node.text.split('\n'));
    else if (ts.isTemplateExpression(node)) out.push(...[node.head.text, ...node.templateSpans.flatMap((span) => ['192.0.2.7', span.literal.text])].join('').split('\n'));
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.ES2023));
  return out.filter((line) => line.length >= 12);
}

interface RuleTest { format?: string; match?: string[]; no_match?: string[] }

export interface Seeds {
  /** Lines of the tests of one plug-in folder, such as `formats/nginx`; empty when there are none. */
  of(folder: string): readonly string[];
  /** Lines of rule tests by format name. */
  byFormat: ReadonlyMap<string, readonly string[]>;
  all: readonly string[];
  /** The text of every rule of ours, with its file. */
  rules: readonly { file: string; text: string }[];
  /** The text of every `.test.yml`, with that of the rule it stands beside. */
  ruleTests: readonly { rule: string; text: string }[];
}

export function seeds(): Seeds {
  const folders = new Map<string, string[]>();
  for (const room of ['formats', 'programs']) {
    for (const file of filesBelow(join(root, 'src', room), (name) => name.endsWith('.test.ts'))) {
      const folder = file.slice(join(root, 'src').length + 1, file.lastIndexOf('/'));
      folders.set(folder, [...(folders.get(folder) ?? []), ...textsOf(file)]);
    }
  }
  const byFormat = new Map<string, string[]>();
  const rules = filesBelow(join(root, 'rules'), (name) => name.endsWith('.yml') && !name.endsWith('.test.yml')).map((file) => ({ file, text: readFileSync(file, 'utf8') }));
  const ruleTests = filesBelow(join(root, 'rules'), (name) => name.endsWith('.test.yml')).map((file) => ({ rule: readFileSync(file.replace(/\.test\.yml$/, '.yml'), 'utf8'), text: readFileSync(file, 'utf8') }));
  for (const { text } of ruleTests) {
    const test = parse(text) as RuleTest;
    const format = test.format ?? 'auto';
    byFormat.set(format, [...(byFormat.get(format) ?? []), ...[...(test.match ?? []), ...(test.no_match ?? [])].flatMap((input) => input.split('\n')).filter((line) => line !== '')]);
  }
  const all = [...folders.values(), ...byFormat.values()].flat();
  return { of: (folder) => folders.get(folder) ?? [], byFormat, all, rules, ruleTests };
}
