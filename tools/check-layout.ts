/**
 * Holds the layers: which room may import which, no plug-in its sibling, every plug-in folder in its
 * catalogue with a test beside it; the console takes types of the API's contract and nothing else of src. Prints each breach and exits 1.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const src = join(root, 'src');

/** Room → rooms it may import (its own always). */
const layers: Record<string, readonly string[]> = {
  core: [],
  sigma: [],
  linux: ['core'],
  programs: ['core'],
  formats: ['core', 'programs'],
  sensors: ['core', 'linux'],
  behaviours: ['core'],
  actions: ['core', 'linux'],
  stores: ['core', 'linux'],
  baseline: ['core', 'linux'],
  webshell: ['core'],
  evidence: ['core', 'linux'],
  checks: ['core', 'linux', 'baseline', 'webshell', 'formats'],
  scan: ['core', 'linux', 'checks'],
  hunt: ['core', 'linux', 'stores', 'checks'],
  notifiers: ['core'],
  report: ['core'],
  engine: ['core', 'sigma', 'programs', 'formats'],
  api: ['core', 'engine'],
  agent: ['core', 'sigma', 'linux', 'programs', 'formats', 'sensors', 'behaviours', 'actions', 'stores', 'baseline', 'webshell', 'evidence', 'checks', 'scan', 'hunt', 'notifiers', 'report', 'engine', 'api'],
  cli: ['core', 'sigma', 'linux', 'programs', 'formats', 'sensors', 'behaviours', 'actions', 'stores', 'baseline', 'webshell', 'evidence', 'checks', 'scan', 'hunt', 'notifiers', 'report', 'engine', 'api', 'agent'],
  main: ['cli'],
};
/** Rooms that may not touch the machine. */
const pure = new Set(['core', 'sigma', 'formats', 'programs', 'behaviours', 'webshell', 'report']);
/** Modules of Node that compute and touch nothing. */
const touchNothing = new Set(['node:zlib', 'node:buffer']);
/** Plug-in room → the file that each of its folders holds. */
const plugins: Record<string, string> = { formats: 'format', programs: 'program', sensors: 'sensor', behaviours: 'behaviour', checks: 'check', actions: 'action', notifiers: 'notifier' };

const breaches: string[] = [];

function files(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return files(path);
    return /\.tsx?$/.test(path) ? [path] : [];
  });
}

for (const file of files(src)) {
  const [room = '', folder = ''] = relative(src, file).split('/');
  const allowed = layers[room];
  if (!allowed) { breaches.push(`${relative(root, file)}: src/${room} is not a room; see tools/check-layout.ts`); continue; }
  const isTest = file.endsWith('.test.ts');
  for (const { fileName } of ts.preProcessFile(readFileSync(file, 'utf8')).importedFiles) {
    if (!fileName.startsWith('.')) {
      if (!isTest && pure.has(room) && fileName.startsWith('node:') && !touchNothing.has(fileName)) breaches.push(`${relative(root, file)}: ${room} is pure and may not import ${fileName}`);
      continue;
    }
    const target = relative(src, resolve(dirname(file), fileName)).split('/');
    const [toRoom = '', toFolder = ''] = target;
    if (isTest) continue; // tests may look from anywhere
    if (toRoom === '..') breaches.push(`${relative(root, file)}: imports ${fileName}, outside src`);
    else if (toRoom !== room && !allowed.includes(toRoom)) breaches.push(`${relative(root, file)}: ${room} may not import ${toRoom} (${fileName})`);
    else if (toRoom === room && room in plugins && folder !== toFolder && target.length > 2 && !folder.endsWith('.ts')) breaches.push(`${relative(root, file)}: a plug-in may not import its sibling (${fileName})`);
  }
}

for (const [room, name] of Object.entries(plugins)) {
  const folder = join(src, room);
  if (!existsSync(folder)) continue;
  // Sensors are made with options, so their catalogue is where they are wired.
  const catalogue = room === 'sensors' ? join(src, 'agent/sensors.ts') : join(folder, 'catalogue.ts');
  const text = existsSync(catalogue) ? readFileSync(catalogue, 'utf8') : '';
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const at = `src/${room}/${entry.name}`;
    if (!existsSync(join(root, at, `${name}.ts`))) breaches.push(`${at}: has no ${name}.ts`);
    if (!existsSync(join(root, at, `${name}.test.ts`))) breaches.push(`${at}: has no ${name}.test.ts`);
    if (!text.includes(`/${entry.name}/${name}.ts`)) breaches.push(`${at}: is not in ${relative(root, catalogue)}`);
  }
}

const consoleSrc = join(root, 'console/src');
for (const file of files(consoleSrc)) {
  const [room = '', folder = ''] = relative(consoleSrc, file).split('/');
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.ES2023);
  for (const statement of source.statements) {
    if (!(ts.isImportDeclaration(statement) || ts.isExportDeclaration(statement)) || !statement.moduleSpecifier || !ts.isStringLiteral(statement.moduleSpecifier)) continue;
    const { text } = statement.moduleSpecifier;
    if (!text.startsWith('.')) continue;
    const at = resolve(dirname(file), text);
    const isType = ts.isImportDeclaration(statement) ? statement.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword : statement.isTypeOnly;
    const [toRoom = '', toFolder = ''] = relative(consoleSrc, at).split('/');
    if (toRoom === '..') {
      if (!at.startsWith(join(src, 'api/contract/')) || !isType) breaches.push(`${relative(root, file)}: the console takes types of src/api/contract alone (${text})`);
    } else if (room === 'pages' && toRoom === 'pages' && folder !== toFolder && !/\.tsx?$/.test(toFolder) && !/\.tsx?$/.test(folder)) breaches.push(`${relative(root, file)}: a page may not import another (${text})`);
    else if (['parts', 'api', 'text', 'theme'].includes(room) && ['pages', 'shell', 'entry'].includes(toRoom)) breaches.push(`${relative(root, file)}: console/src/${room} may not import ${toRoom} (${text})`);
  }
}

for (const breach of breaches) console.error(breach);
console.log(breaches.length ? `${breaches.length} breaches` : 'layers and catalogues hold');
process.exit(breaches.length ? 1 : 0);
