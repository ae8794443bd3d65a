/** Ways to hide whole code: each takes statements without tags and answers a file that runs them. */
import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { fill } from './sample.ts';

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const b64 = (text: string | Buffer): string => (typeof text === 'string' ? bytes(text) : text).toString('base64');
const rot13 = (text: string): string => text.replace(/[a-zA-Z]/g, (c) => String.fromCharCode(c.charCodeAt(0) + (c.toLowerCase() < 'n' ? 13 : -13)));
const q = (text: string): string => `'${text.replace(/[\\']/g, '\\$&')}'`;
const php = (text: string): string => fill(`<?php\n${text}\n`);
const run = (text: string): string => `«EVAL»(${text});`;

export const layers: Readonly<Record<string, (code: string) => string>> = {
  plain: (code) => php(code),
  'one line, silenced': (code) => fill(`<?php error_reporting(0); ${code.replaceAll('\n', ' ')} ?>`),
  base64: (code) => php(run(`«B64»(${q(b64(fill(code)))})`)),
  'gzinflate, base64': (code) => php(run(`«GZ»(«B64»(${q(b64(deflateRawSync(bytes(fill(code)))))}))`)),
  'gzuncompress, base64': (code) => php(run(`gzuncompress(«B64»(${q(b64(deflateSync(bytes(fill(code)))))}))`)),
  'gzdecode, base64': (code) => php(run(`gzdecode(«B64»(${q(b64(gzipSync(bytes(fill(code)))))}))`)),
  'rot13, base64': (code) => php(run(`«B64»(str_rot13(${q(rot13(b64(fill(code))))}))`)),
  'strrev, base64': (code) => php(run(`«B64»(strrev(${q(b64(fill(code)).split('').reverse().join(''))}))`)),
  'hex': (code) => php(run(`hex2bin(${q(bytes(fill(code)).toString('hex'))})`)),
  'percent': (code) => php(run(`rawurldecode(${q(Array.from(fill(code), (c) => `%${c.charCodeAt(0).toString(16).padStart(2, '0')}`).join(''))})`)),
  'five layers': (code) => { let text = code; for (let i = 0; i < 5; i++) text = run(`«B64»(${q(b64(fill(text)))})`); return php(text); },
  'layers of several kinds': (code) => php(run(`«GZ»(str_rot13(«B64»(${q(b64(bytes(rot13(deflateRawSync(bytes(fill(`?><?php ${code}`))).toString('latin1')))))})))`)),
  'xor with a key': (code) => php(`$k = 'w1d'; $d = «B64»(${q(b64(Buffer.from(bytes(fill(code)).map((byte, i) => byte ^ 'w1d'.charCodeAt(i % 3)))))}); $o = '';\nfor ($i = 0; $i < strlen($d); $i++) { $o .= chr(ord($d[$i]) ^ ord($k[$i % strlen($k)])); }\n${run('$o')}`),
  'hidden decoder': (code) => php(`$a = 'bas'.'e6'; $b = $a.'4_d'.'ecode';\n${run(`$b(${q(b64(fill(code)))})`)}`),
  'text in pieces': (code) => { const text = b64(fill(code)); return php(`$p = array();\n${(text.match(/.{1,40}/g) ?? []).map((part, i) => `$p[${i}] = ${q(part)};`).join('\n')}\n${run("«B64»(implode('', $p))")}`); },
  'nowdoc': (code) => php(`$c = <<<'Z'\n${code}\nZ;\n${run('$c')}`),
  'own decoder': (code) => php(`function un($t) { return «GZ»(«B64»($t)); }\n$x = un(${q(b64(deflateRawSync(bytes(fill(code)))))});\n${run('$x')}`),
  'create function': (code) => php(`$g = «CREATE»('', «B64»(${q(b64(fill(code)))})); $g();`),
  'data address': (code) => php(`include 'data:text/plain;base64,${b64(fill(`<?php ${code}`))}';`),
  'comments inside': (code) => php(code.replace(/([({;=,])/g, '$1/*x9*/')),
  'goto': (code) => { const parts = code.split('\n').filter((line) => line.trim() !== ''); const order = parts.map((_, i) => i).reverse(); return php(`goto l0;\n${order.map((i) => `l${i}: ${parts[i]} goto l${i + 1};`).join('\n')}\nl${parts.length}:`); },
  'flattened': (code) => { const parts = code.split('\n').filter((line) => line.trim() !== ''); return php(`$st = 7;\nwhile (true) { switch ($st) {\n${parts.map((line, i) => `case ${7 + i * 3}: ${line} $st = ${7 + (i + 1) * 3}; break;`).reverse().join('\n')}\ncase ${7 + parts.length * 3}: break 2;\n} }`); },
  'script tag': (code) => fill(`<html><script language="php">${code}</script></html>`),
  'short tag': (code) => fill(`<? ${code} ?>`),
  'within a page': (code) => fill(`<html><body><h1>Welcome</h1>\n<?php if (true): ?><p>hello</p><?php endif; ?>\n${'<p>text</p>\n'.repeat(30)}<?php ${code} ?>\n</body></html>`),
  'in a function nobody calls': (code) => php(`function lib_init($opts = array()) {\n${code}\n}`),
  'in a method': (code) => php(`namespace App\\Cache;\nclass Store { private $x = 1; public function flush() { if ($this->x) {\n${code}\n} } }`),
  'after the end of the file was read': (code) => fill(`<?php\n$s = «READ»(__FILE__); $c = substr($s, strpos($s, '#CUT#', 80) + 5);\n«EVAL»(«B64»(trim($c)));\n__halt_compiler();${' '.repeat(60)}#CUT#${b64(fill(code))}`),
  'behind a password': (code) => php(`if (md5(«POST»['pw']) !== '0123456789abcdef0123456789abcdef') { header('HTTP/1.1 404 Not Found'); exit; }\n${code}`),
  'broken after it': (code) => php(`${code}\n}}} ) function ( { ]`),
};
