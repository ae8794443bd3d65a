/** Ways to write a function's name, or any text, so that it cannot be searched for. Each answers statements that leave it in $f. */
import { fill } from './sample.ts';

const b64 = (text: string): string => Buffer.from(text, 'latin1').toString('base64');
const hex = (text: string): string => Buffer.from(text, 'latin1').toString('hex');
const codes = (text: string): number[] => Array.from(text, (char) => char.charCodeAt(0));
const q = (text: string): string => `'${text.replace(/[\\']/g, '\\$&')}'`;
const xor = (text: string, key: string): string => Array.from(text, (char, i) => String.fromCharCode(char.charCodeAt(0) ^ key.charCodeAt(i % key.length))).join('');
const escaped = (text: string): string => `"${codes(text).map((code) => `\\x${code.toString(16).padStart(2, '0')}`).join('')}"`;
const octal = (text: string): string => `"${codes(text).map((code) => `\\${code.toString(8).padStart(3, '0')}`).join('')}"`;
const half = (text: string): [string, string] => [text.slice(0, Math.ceil(text.length / 2)), text.slice(Math.ceil(text.length / 2))];

export const names: Readonly<Record<string, (text: string) => string>> = {
  concat: (t) => { const [a, b] = half(t); return `$f = ${q(a)} . ${q(b)};`; },
  'concat in steps': (t) => `$f = '';\n${Array.from(t, (char) => `$f .= ${q(char)};`).join(' ')}`,
  chr: (t) => `$f = ${codes(t).map((code) => `chr(${code})`).join('.')};`,
  'chr of sums': (t) => `$f = ${codes(t).map((code, i) => `chr(${code - i - 3} + ${i} + 3)`).join('.')};`,
  base64: (t) => fill(`$f = «B64»(${q(b64(t))});`),
  rot13: (t) => `$f = str_rot13(${q(t.replace(/[a-zA-Z]/g, (c) => String.fromCharCode(c.charCodeAt(0) + (c.toLowerCase() < 'n' ? 13 : -13))))});`,
  strrev: (t) => `$f = strrev(${q(t.split('').reverse().join(''))});`,
  'hex escapes': (t) => `$f = ${escaped(t)};`,
  'octal escapes': (t) => `$f = ${octal(t)};`,
  hex2bin: (t) => `$f = hex2bin(${q(hex(t))});`,
  pack: (t) => `$f = pack('H*', ${q(hex(t))});`,
  'pack of numbers': (t) => `$f = pack('C*', ${codes(t).join(', ')});`,
  urldecode: (t) => `$f = urldecode(${q(codes(t).map((code) => `%${code.toString(16)}`).join(''))});`,
  uudecode: (t) => `$f = convert_uudecode(${q(uuencode(t))});`,
  xor: (t) => `$f = ${escaped(xor(t, 'k!'))} ^ ${escaped('k!'.repeat(t.length).slice(0, t.length))};`,
  'not': (t) => `$f = ~${escaped(codes(t).map((code) => String.fromCharCode(~code & 255)).join(''))};`,
  'array index': (t) => { const letters = [...new Set(`${t}zqxj`.split(''))].sort().reverse(); return `$m = array(${letters.map(q).join(', ')});\n$f = ${t.split('').map((char) => `$m[${letters.indexOf(char)}]`).join('.')};`; },
  'string index': (t) => { const letters = [...new Set(`qz_${t}`.split(''))].join(''); return `$m = ${q(letters)};\n$f = ${t.split('').map((char) => `$m[${letters.indexOf(char)}]`).join('.')};`; },
  'string braces': (t) => { const letters = [...new Set(`${t}0k`.split(''))].join(''); return `$m = ${q(letters)};\n$f = ${t.split('').map((char) => `$m{${letters.indexOf(char)}}`).join('.')};`; },
  'junk taken out': (t) => `$f = str_replace('#9', '', ${q(t.split('').join('#9'))});`,
  'junk by pattern': (t) => fill(`$f = «PREG»('/[0-9]+/', '', ${q(t.split('').map((char, i) => `${char}${i + 10}`).join(''))});`),
  substr: (t) => `$f = substr(${q(`abc${t}xyz`)}, 3, ${t.length});`,
  implode: (t) => `$f = implode('', array(${t.split('').map(q).join(', ')}));`,
  explode: (t) => `$p = explode('|', ${q(t.split('').join('|'))});\n$f = join('', $p);`,
  sprintf: (t) => `$f = sprintf('%s%s', ${half(t).map(q).join(', ')});`,
  'sprintf of codes': (t) => `$f = sprintf('${codes(t).map(() => '%c').join('')}', ${codes(t).join(', ')});`,
  strtr: (t) => `$f = strtr(${q(t.replace(/[aeiou]/g, (c) => ({ a: '1', e: '2', i: '3', o: '4', u: '5' })[c]!))}, '12345', 'aeiou');`,
  'strtr with an array': (t) => `$f = strtr(${q(t.replaceAll('s', '<S>'))}, array('<S>' => 's'));`,
  lcfirst: (t) => `$f = lcfirst(ucfirst(${q(t.slice(0, 2))}) . ${q(t.slice(2))});`,
  strtolower: (t) => `$f = strtolower(${q(t.toUpperCase().slice(0, 3))} . ${q(t.toUpperCase().slice(3))});`,
  'counted loop': (t) => `$f = '';\n$n = array(${codes(t).map((code) => code + 7).join(', ')});\nfor ($i = 0; $i < count($n); $i++) { $f .= chr($n[$i] - 7); }`,
  'foreach loop': (t) => `$f = '';\nforeach (str_split(${q(codes(t).map((code) => (code + 100).toString()).join(''))}, 3) as $c) $f .= chr($c - 100);`,
  'while loop': (t) => `$s = ${q(t.split('').map((char) => String.fromCharCode(char.charCodeAt(0) + 1)).join(''))}; $f = ''; $i = 0;\nwhile ($i < strlen($s)) { $f .= chr(ord($s[$i]) - 1); ++$i; }`,
  'own function': (t) => `function zz($a) { $o = ''; for ($i = strlen($a) - 1; $i >= 0; $i--) $o .= $a[$i]; return $o; }\n$f = zz(${q(t.split('').reverse().join(''))});`,
  'array_map of chr': (t) => `$f = implode(array_map('chr', array(${codes(t).join(', ')})));`,
  'array_map of a closure': (t) => `$f = implode('', array_map(function ($n) { return chr($n ^ 5); }, array(${codes(t).map((code) => code ^ 5).join(', ')})));`,
  'reversed array': (t) => `$f = join('', array_reverse(str_split(${q(t.split('').reverse().join(''))})));`,
  heredoc: (t) => { const [a, b] = half(t); return `$a = ${q(a)};\n$f = <<<X\n{$a}${b}\nX;`; },
  define: (t) => { const [a, b] = half(t); return `define('P1', ${q(a)}); define('P2', ${q(b)});\n$f = constant('P1') . P2;`; },
  'class constants': (t) => { const [a, b] = half(t); return `class Q1 { const A = ${q(a)}; public static $b = ${q(b)}; }\n$f = Q1::A . Q1::$b;`; },
  'letters counted up': (t) => `$f = '';\n${t.split('').map((char) => (/[a-z]/.test(char) ? `$c = 'a'; ${'$c++; '.repeat(char.charCodeAt(0) - 97)}$f .= $c;` : `$f .= ${q(char)};`)).join('\n')}`,
  'html entities': (t) => `$f = html_entity_decode(${q(codes(t).map((code) => `&#${code};`).join(''))});`,
  'variable variables': (t) => { const [a, b] = half(t); return `$k = 'zz'; $$k = ${q(a)};\n$f = $zz . ${q(b)};`; },
  'default arguments': (t) => { const [a, b] = half(t); return `function q9($a = ${q(a)}, $b = ${q(b)}) { return $a . $b; }\n$f = q9();`; },
  'packed and coded': (t) => fill(`$f = trim(«B64»(strrev(${q(b64(` ${t} `).split('').reverse().join(''))})));`),
  'ternary': (t) => { const [a, b] = half(t); return `$f = (3 > 2 ? ${q(a)} : 'x') . (1 == 2 ? 'y' : ${q(b)});`; },
  'by reference': (t) => { const [a, b] = half(t); return `$g = ${q(a)}; $f = &$g; $g .= ${q(b)};`; },
  'json': (t) => `$j = json_decode(${q(JSON.stringify({ n: `\\u${t.charCodeAt(0).toString(16).padStart(4, '0')}${t.slice(1)}` }).replace('\\\\u', '\\u'))}, true); $f = $j['n'];`,
};

function uuencode(text: string): string {
  const codesOf = codes(text.padEnd(Math.ceil(text.length / 3) * 3, '\0'));
  const put = (n: number): string => String.fromCharCode(n === 0 ? 96 : n + 32);
  let out = put(text.length);
  for (let i = 0; i < codesOf.length; i += 3) {
    const [a = 0, b = 0, c = 0] = codesOf.slice(i, i + 3);
    out += put(a >> 2) + put(((a & 3) << 4) | (b >> 4)) + put(((b & 15) << 2) | (c >> 6)) + put(c & 63);
  }
  return `${out}\n`;
}
