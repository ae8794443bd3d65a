/** PHP that looks like a trojan and is none. Our own writing, after what real programs do. */
import { deflateRawSync } from 'node:zlib';
import { mechanismsBenign } from './php-mechanisms.ts';
import { fill } from './sample.ts';

const packed = deflateRawSync(Buffer.from('$licence_ok = (time() < 2000000000); function app_name() { return "Shop"; }')).toString('base64');
const picture = Buffer.alloc(3000, 'png').toString('base64');

const texts: Readonly<Record<string, string>> = {
  'plugin loader': "<?php\nforeach (glob(PLUGIN_DIR . '/*/plugin.php') as $file) {\n  require_once $file;\n  $name = basename(dirname($file));\n  $class = ucfirst($name) . 'Plugin';\n  if (class_exists($class)) { $plugins[] = new $class(); }\n}\nfunction do_hook($name, $args) { global $hooks; foreach ($hooks[$name] as $hook) { call_user_func_array($hook['function'], $args); } }\n",
  'template engine': "<?php\nclass Template {\n  private $vars = array();\n  public function assign($k, $v) { $this->vars[$k] = $v; }\n  public function render($file) {\n    extract($this->vars);\n    ob_start();\n    «EVAL»('?>' . $this->compile(«READ»($file)) . '<?php ');\n    return ob_get_clean();\n  }\n  private function compile($text) { return «PREG»('/\\{\\$(\\w+)\\}/', '<?php echo htmlspecialchars($$1); ?>', $text); }\n}\n$t = new Template(); $t->assign('q', $_GET['q']); echo $t->render(__DIR__ . '/page.tpl');\n".replace('$_GET', '«GET»'),
  'compiled template': "<?php\n/* page.twig */\nclass __TwigTemplate_1 extends Template {\n  protected function doDisplay(array $context, array $blocks = array()) {\n    echo twig_escape_filter($this->env, (isset($context['name']) ? $context['name'] : ''), 'html', null, true);\n    foreach ($context['items'] as $context['_key'] => $context['item']) { echo $this->getAttribute($context['item'], 'title'); }\n  }\n}\n",
  'autoloader': "<?php\nspl_autoload_register(function ($class) {\n  $prefix = 'App\\\\';\n  if (strncmp($prefix, $class, strlen($prefix)) !== 0) return;\n  $file = __DIR__ . '/src/' . str_replace('\\\\', '/', substr($class, strlen($prefix))) . '.php';\n  if (file_exists($file)) require $file;\n});\n",
  'router': "<?php\n$routes = array('home' => 'show_home', 'about' => 'show_about');\n$page = isset(«GET»['page']) ? «GET»['page'] : 'home';\nif (isset($routes[$page])) { $handler = $routes[$page]; $handler(); } else { http_response_code(404); }\nfunction show_home() { echo 'home'; }\nfunction show_about() { echo 'about'; }\n",
  'controller': "<?php\nclass UserController { public function dispatch() {\n  $action = «REQUEST»['action'] . 'Action';\n  if (method_exists($this, $action)) { return $this->$action(«POST»); }\n}\nprotected function saveAction($post) { $name = trim($post['name']); $this->db->prepare('update users set name = ?')->execute(array($name)); } }\n",
  'mock of unit tests': "<?php\nclass MockBuilder {\n  public function generate($class, array $methods) {\n    $code = 'class Mock_' . $class . ' extends ' . $class . ' {';\n    foreach ($methods as $m) { $code .= 'public function ' . $m . '() { return $this->record(__FUNCTION__, func_get_args()); }'; }\n    «EVAL»($code . '}');\n    $name = 'Mock_' . $class;\n    return new $name();\n  }\n}\n",
  'picture in the source': `<?php\n$logo = '${picture}';\nheader('Content-Type: image/png');\necho «B64»($logo);\n`,
  'licence loader': `<?php\n$code = «GZ»(«B64»('${packed}'));\n«EVAL»($code);\nif (!$licence_ok) die('expired');\n`,
  'ping with escapes': "<?php\nif (isset(«POST»['host'])) {\n  $host = escapeshellarg(«POST»['host']);\n  «EXEC»('ping -c 3 ' . $host, $out);\n  echo '<pre>' . htmlspecialchars(implode(\"\\n\", $out)) . '</pre>';\n}\n",
  'thumbnails': "<?php\n$w = (int) «GET»['w']; $h = intval(«GET»['h']);\n$src = realpath(UPLOADS . '/' . basename(«GET»['f']));\n«EXEC»(\"convert \" . escapeshellarg($src) . \" -resize {$w}x{$h} \" . escapeshellarg($src . '.thumb.png'));\nreadfile($src . '.thumb.png');\n",
  'upload with checks': "<?php\nsession_start();\nif (empty(«SESSION»['user'])) exit;\n$ext = strtolower(pathinfo(«FILES»['f']['name'], PATHINFO_EXTENSION));\nif (!in_array($ext, array('jpg', 'png'))) die('no');\n«MOVE»(«FILES»['f']['tmp_name'], 'uploads/' . md5(uniqid()) . '.' . $ext);\n",
  'cached page': "<?php\n$file = '/var/cache/app/' . md5(«SERVER»['REQUEST_URI']) . '.html';\nif (file_exists($file)) { readfile($file); exit; }\nob_start(function ($html) use ($file) { «PUT»($file, $html); return $html; });\n",
  'installer writes settings': "<?php\nif («SERVER»['REQUEST_METHOD'] === 'POST') {\n  $text = \"<?php\\n\\$db_host = '\" . addslashes(«POST»['host']) . \"';\\n\\$db_name = '\" . addslashes(«POST»['name']) . \"';\\n\";\n  «PUT»(__DIR__ . '/config.php', $text);\n}\n",
  'json interface': "<?php\n$body = json_decode(«READ»('«INPUT»'), true);\n$method = $body['method'];\n$allowed = array('list' => 'api_list', 'add' => 'api_add');\nif (!isset($allowed[$method])) { http_response_code(400); exit; }\necho json_encode(«CALL»($allowed[$method], $body['params']));\nfunction api_list($p) { return array(); }\nfunction api_add($p) { return true; }\n",
  'sorting': "<?php\n$field = «GET»['sort'] === 'name' ? 'name' : 'date';\nusort($rows, function ($a, $b) use ($field) { return strcmp($a[$field], $b[$field]); });\narray_map('htmlspecialchars', «GET»);\n$clean = array_map('trim', «POST»);\n$ids = array_filter(«POST»['ids'], 'is_numeric');\n",
  'encrypted cookie': "<?php\n$raw = «B64»(«COOKIE»['remember']);\n$plain = openssl_decrypt($raw, 'aes-256-cbc', APP_KEY, 0, IV);\nlist($user, $token) = explode('|', $plain);\nif (hash_equals(hash('sha256', $token), load_token($user))) { «SESSION»['user'] = $user; }\n",
  'assertion of a test': "<?php\n«ASSERT»($result === 3);\n«ASSERT»(is_array(«GET»));\n«ASSERT»(isset(«POST»['x']) && $count > 0, 'expected a value');\n",
  'remote feed': "<?php\n$xml = «READ»('https://example.org/feed.xml');\n$feed = simplexml_load_string($xml);\nforeach ($feed->item as $item) echo '<li>' . htmlspecialchars($item->title) . '</li>';\n",
  'mail form': "<?php\n$to = 'office@example.org';\n$from = filter_var(«POST»['from'], FILTER_VALIDATE_EMAIL);\nmail($to, 'Contact', «POST»['text'], 'From: ' . $from);\n",
  'git hook': "<?php\n$secret = getenv('HOOK_SECRET');\nif (!hash_equals('sha256=' . hash_hmac('sha256', «READ»('«INPUT»'), $secret), «SERVER»['HTTP_X_HUB_SIGNATURE_256'])) exit;\n«SHELL»('cd /srv/app && git pull --ff-only 2>&1');\n",
  'minified': `<?php $a=array(${Array.from({ length: 800 }, (_, i) => `'k${i}'=>'${(i * 7919).toString(36)}'`).join(',')});function t($k){global $a;return isset($a[$k])?$a[$k]:$k;}echo t('k7');\n`,
  'character tables': `<?php\nclass Charset { static $map = array(${Array.from({ length: 128 }, (_, i) => `"\\x${(i + 128).toString(16)}" => "\\xc3\\x${(128 + (i % 64)).toString(16)}"`).join(', ')}); static function convert($s) { return strtr($s, self::$map); } }\necho Charset::convert(«GET»['s']);\n`,
  'include by language': "<?php\n$lang = in_array(«COOKIE»['lang'], array('en', 'zh')) ? «COOKIE»['lang'] : 'en';\ninclude 'lang/' . $lang . '.php';\ninclude dirname(__FILE__) . '/footer.php';\n",
  'generated class': "<?php\n$fields = array('id', 'name');\n$body = '';\nforeach ($fields as $f) $body .= 'public $' . $f . ';';\nif (!class_exists('Row')) «EVAL»('class Row {' . $body . '}');\n",
  'query builder': "<?php\n$sql = sprintf('select %s from %s where id = %d', implode(',', $cols), $table, «GET»['id']);\n$rows = $db->query($sql)->fetchAll();\nforeach ($rows as $r) { $fn = 'format_' . $r['type']; if (function_exists($fn)) echo $fn($r); }\n",
  'shutdown handler': "<?php\nregister_shutdown_function(array($app, 'terminate'));\nset_error_handler(function ($no, $text) { error_log($text); });\nregister_shutdown_function('log_request', «SERVER»['REQUEST_URI']);\nfunction log_request($u) { «PUT»('/var/log/app.log', $u . \"\\n\", FILE_APPEND); }\n",
  'empty page': '<?php // Silence is golden.\n',
};

/** By what they are. */
export const phpBenign = (): Record<string, string> => Object.fromEntries(Object.entries({ ...texts, ...mechanismsBenign }).map(([name, text]) => [name, fill(text)]));
