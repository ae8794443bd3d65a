/** How notes of ransomware and encrypted files are told from others. */
import type { Tree } from '../../linux/tree.ts';

const noteName = /(?:read[-_ .]?me|how[-_ .]{0,2}to|help|decrypt|restor|recover|ransom|unlock|instruction|warning|important|attention|contact|chat|ransom|leak|hacked|pwned|encrypted|lock(?:ed|bit)|your[-_ .]?files|all[-_ .]?your|get[-_ .]?(?:my|your)?[-_ .]?(?:data|files)|解密|恢复|勒索|赎金|说明|必读|警告|重要)/i;
const noteEnding = /\.(?:txt|html?|hta|rtf|md|url|readme|info|log)$|^[^.]{3,60}$/i;
/** Decides which files are opened; what is in them decides the rest. */
export const isNoteName = (name: string): boolean => name.length < 120 && noteName.test(name) && noteEnding.test(name);

const about: readonly (readonly [string, RegExp])[] = [
  ['encrypted', /(?:files?|data|documents?|servers?|network|databases?|backups?)\b[^.\n]{0,80}\b(?:are|were|was|have been|has been|is)\b[^.\n]{0,40}\b(?:encrypted|locked|stolen)|\b(?:downloaded|exfiltrated|stolen|encrypted)\b[^.\n]{0,40}\b(?:your|all)\b[^.\n]{0,30}\b(?:files|data|documents|servers|network)\b|\b(?:downloaded|exfiltrated)\b[^.\n]{0,40}\bof your data\b|(?:文件|数据|资料|服务器|数据库)[^。\n]{0,40}(?:已|被|全部)[^。\n]{0,20}(?:加密|锁定)|файлы[^.\n]{0,60}зашифрован|(?:dateien|daten)[^.\n]{0,80}verschlüsselt|archivos[^.\n]{0,80}(?:cifrados|encriptados)|fichiers[^.\n]{0,80}(?:chiffrés|cryptés)|arquivos[^.\n]{0,80}criptografados|ファイル[^。\n]{0,40}暗号化|파일[^.\n]{0,40}암호화/i],
  ['payment', /\b(?:bitcoin|btc|monero|xmr|usdt|ransom)\b|\bpay(?:ment)?\b[^.\n]{0,80}\b(?:decrypt|key|wallet|restore|recover)|比特币|门罗币|赎金|付款|支付[^。\n]{0,40}(?:解密|恢复)|выкуп|биткоин|lösegeld|rescate|rançon|ビットコイン|비트코인/i],
  ['contact', /[a-z2-7]{16,56}\.onion\b|\btor\s?browser\b|@(?:protonmail|proton|tutanota|tuta|onionmail|cock|aol|keemail|airmail|msgsafe|mailfence)\.[a-z]{2,4}\b|\btox\s?id\b|\bqtox\b|\btelegram\b|联系(?:邮箱|我们)|\b[\w.-]{2,60}@[\w-]{2,60}\.[a-z]{2,6}\b[^.\n]{0,60}\b(?:id|decrypt)/i],
  ['threat', /\b(?:decrypt(?:ion)?|private)\s(?:key|tool|software|program)|\bdo not (?:rename|modify|try|delete|shut ?down)|\b(?:publish|leak|sell)(?:ed)?\b[^.\n]{0,80}\b(?:data|files|information)|\bwe\s(?:will\s)?publish\b|\b(?:after|within|in)\s\d{1,3}\s(?:hours|days)\b|personal id|your id\b|不要(?:重命名|修改|关机|尝试|自行)|解密(?:工具|密钥|程序|软件)|私钥|\d{1,3}\s?(?:小时|天)(?:内|之内)/i],
];
const wallet = /\b(?:bc1[a-z0-9]{25,60}|[13][1-9A-HJ-NP-Za-km-z]{25,34}|[48][0-9AB][1-9A-HJ-NP-Za-km-z]{93})\b/;

/** 0–5: it says that files are encrypted, asks for money, names a contact, threatens, has a wallet. Below 2 where encryption and money are not both meant. */
export function noteWorth(text: string): { worth: number; words: string[] } {
  const words: string[] = [];
  const found = new Set<string>();
  // Line by line, so that no pattern runs over a whole hostile file; HTML is one line and cut.
  const plain = text.replace(/<[^<>]{0,500}>/g, ' ');
  for (const line of plain.split('\n', 1000)) for (const [name, form] of about) {
    if (found.has(name)) continue;
    const at = form.exec(line.slice(0, 4000));
    if (at) { found.add(name); words.push(line.slice(Math.max(0, at.index - 40), at.index + 200).trim()); }
  }
  if (wallet.test(plain.slice(0, 32_000))) found.add('wallet');
  const core = found.has('encrypted') && (found.has('payment') || found.has('wallet') || found.has('contact'));
  const worth = found.has('payment') || found.has('wallet') || found.has('threat') ? found.size : found.size - 1;
  return { worth: core ? Math.max(0, worth - 1) : 0, words };
}

const inner = /\.(?:docx?|xlsx?|pptx?|odt|ods|pdf|jpe?g|png|gif|bmp|tiff?|psd|dwg|mp[34]|avi|mov|mkv|wav|zip|rar|7z|tar|gz|sql|db|mdb|accdb|mdf|ldf|bak|dbf|sqlite3?|frm|ibd|myd|myi|php|js|css|html?|txt|csv|json|xml|conf|cfg|ini|ya?ml|log|vmdk|vhdx?|qcow2|py|java|jar|war|sh|key|pem|crt)(?:\.[^/]{1,120})?\.([\w-]{3,24})$/i;
/** Endings that tools put behind others: packed, signed, kept aside, translated, made from. */
const ordinary = /^(?:\d{1,14}|gz|bz2|xz|zst|zip|rar|7z|tar|tgz|lz4|br|gpg|asc|age|sig|pgp|p7[ms]|md5|sha\d{0,3}(?:sum)?|sum|bak\d*|backup|old|orig|org|save|saved|tmp|temp|part|partial|crdownload|download|swp|swo|rej|diff|patch|dist|default|sample|example|template|tmpl|tpl|j2|jinja2?|erb|ejs|mustache|hbs|twig|vue|svelte|inc|txt|html?|md|json|xml|ya?ml|js|mjs|cjs|ts|tsx|jsx|map|css|scss|less|php|py|pyc|java|class|sh|rb|go|rs|c|h|cpp|log|lock|cfg|conf|ini|properties|po|pot|mo|lang|webp|avif|jpe?g|png|gif|svg|ico|pdf|docx?|xlsx?|csv|sql|db|idx|index|meta|metadata|info|snap|flat|test|spec|dpkg-\w+|rpm(?:new|save|orig)|ucf-\w+|pacnew|disabled|off|on|bad|new|copy|link|url|torrent|aria2|enc|crypt|vsix|tbz2?|dsc|deb|rpm|whl|jar|war|license|txt-\w+|chunk|cache|bin|dat|data|shm|wal|journal|en|zh|cn|us|de|fr|es|ja|ko|ru|it|pt|br|nl|pl|tr|ar)$/i;

/** The name that a file had before something was put behind it; undefined when it looks ordinary. */
export function originalOf(name: string): string | undefined {
  if (name.length > 255 || name.indexOf('.') === name.lastIndexOf('.')) return undefined;
  const found = inner.exec(name);
  if (!found || ordinary.test(found[1]!)) return undefined;
  const rest = name.slice(found.index + 1);
  return name.slice(0, found.index + 1 + rest.indexOf('.'));
}

const pieceMax = 4096;
/** Beginnings of formats that are dense by themselves. */
const beginnings: readonly (readonly [RegExp, string])[] = [[/\.(?:zip|docx|xlsx|pptx|odt|ods|jar|war)$/i, 'PK'], [/\.pdf$/i, '%PDF'], [/\.jpe?g$/i, '\xff\xd8\xff'], [/\.png$/i, '\x89PNG'], [/\.gz$/i, '\x1f\x8b'], [/\.gif$/i, 'GIF8'], [/\.7z$/i, '7z'], [/\.rar$/i, 'Rar!'], [/\.mp4$/i, '\0\0\0']];

/** Does it read like noise although its format would not begin so? Undefined for one too small to tell. */
export function isEncrypted(tree: Tree, path: string, original: string): boolean | undefined {
  const file = tree.open(path);
  if (!file) return undefined;
  try {
    if (file.size < 512) return undefined;
    const piece = Buffer.alloc(Math.min(pieceMax, file.size));
    const got = file.read(piece, 0);
    const head = piece.subarray(0, got);
    const begins = beginnings.find(([ending]) => ending.test(original))?.[1];
    if (begins !== undefined && head.toString('latin1', 0, begins.length) === begins) return false;
    return looksRandom(head);
  } finally { file.close(); }
}

/** Bits a byte, against what so few bytes of pure noise would have: a small piece cannot reach 8. */
function looksRandom(bytes: Buffer): boolean {
  const counts = new Uint32Array(256);
  for (const byte of bytes) counts[byte]!++;
  let bits = 0;
  for (const count of counts) if (count > 0) bits -= (count / bytes.length) * Math.log2(count / bytes.length);
  const noise = 8 - 255 / (2 * bytes.length * Math.LN2);
  return bits > noise - 0.15;
}
