/** TypeScript with its plain annotations made blank, so that a reader of JavaScript reads it. Offsets and lines stay; what is beyond these forms is left to the forgiving reader. */
import { blank } from './read.ts';

const name = String.raw`[A-Za-z_$][\w$.]{0,80}`;
const type = String.raw`(?:readonly\s{1,3})?(?:${name}(?:<[^<>(){};=]{0,200}(?:<[^<>(){};=]{0,100}>[^<>(){};=]{0,100})?>)?|\{[^{}()]{0,300}\}|['"][^'"\n]{0,60}['"])(?:\[\])*(?:\s{0,3}[|&]\s{0,3}(?:${name}|['"][^'"\n]{0,60}['"])(?:\[\])*){0,8}`;
const forms: readonly RegExp[] = [
  /^[ \t]*import\s+type\b[^;\n]{0,500};?/gm,
  /^[ \t]*(?:export\s+)?(?:declare\s+)?interface\s+[\w$]{1,80}[^{}]{0,200}\{[^{}]{0,4000}\}/gm,
  new RegExp(String.raw`^[ \t]*(?:export\s+)?(?:declare\s+)?type\s+[\w$]{1,80}(?:<[^<>]{0,100}>)?\s{0,3}=[^;\n]{0,1000};?`, 'gm'),
  // ): Promise<void> {
  new RegExp(String.raw`(?<=\))\s{0,3}:\s{0,3}(?:asserts\s+)?${type}(?=\s{0,20}(?:\{|=>))`, 'g'),
  // (a: string, b?: Request) and const a: string =
  new RegExp(String.raw`(?<=[(,]\s{0,40}(?:@\w{1,30}\([^()]{0,60}\)\s{1,20})?(?:(?:private|public|protected|readonly)\s{1,3}){0,2}(?:\.\.\.)?[\w$]{1,80}|[(,]\s{0,40}\{[^{}]{0,200}\}|\b(?:const|let|var)\s{1,3}[\w$]{1,80})\??\s{0,3}:\s{0,3}${type}(?=\s{0,20}[,)=])`, 'g'),
  new RegExp(String.raw`(?<=[\w)\]}'"])\s{1,3}(?:as|satisfies)\s{1,3}${type}(?=\s{0,20}[;,)\].}\n])`, 'g'),
  /(?<=[(,]\s{0,40})(?:(?:private|public|protected|readonly)\s{1,3}){1,3}(?=\w)/g,
  /(?<=[(,]\s{0,40})@\w{1,30}\([^()]{0,100}\)(?=\s)/g,
  /(?<=[\w)\]])!(?=[.;,)\]])/g,
  /^[ \t]*@[A-Z]\w{0,40}\((?:[^()]|\([^()]{0,200}\)){0,500}\)(?=\s)/gm,
];
const looksTyped = /[\w$)}\]]\??\s{0,3}:\s{0,3}[A-Za-z_{]|\bas\s+\w|^[ \t]*@[A-Z]\w*\(|\binterface\s/m;
const longest = 100_000;

/** Undefined when nothing of the kind stands in it. */
export function untyped(text: string): string | undefined {
  if (text.length > longest || !looksTyped.test(text)) return undefined;
  let out = text;
  for (const form of forms) out = out.replace(form, blank);
  return out === text ? undefined : out;
}
