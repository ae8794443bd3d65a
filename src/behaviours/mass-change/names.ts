/** What file names say: documents that people care for, endings that honest programs give, notes of extortion. */

/** Kinds of document, by ending. What one kind of tool works on is one class: a formatter touches code, a photo tool pictures. */
const classes: Record<string, string> = {
  office: 'doc docx docm dot dotx xls xlsx xlsm xlsb ppt pptx pptm odt ods odp odg rtf pdf wps et dps vsd vsdx pub one msg eml pst ost mdb accdb tex epub',
  picture: 'jpg jpeg png gif bmp tif tiff webp heic raw cr2 nef psd ai svg dwg dxf',
  media: 'mp3 wav flac aac ogg m4a mp4 mkv avi mov wmv flv webm m4v',
  archive: 'zip rar 7z tar tgz gz bz2 xz zst bak iso vhd vhdx vmdk vdi qcow2 ova img dump backup',
  database: 'sql db sqlite sqlite3 mdf ldf ndf ibd frm myd myi dbf rdb aof bson fdb gdb',
  text: 'txt csv tsv md html htm php jsp asp aspx js ts css scss vue py java c cc cpp h cs go rs rb pl xml json yml yaml ini properties war jar',
  key: 'pem key crt cer pfx p12 jks kdbx wallet ppk ovpn',
};
const classOf = new Map<string, string>(Object.entries(classes).flatMap(([name, list]) => list.split(' ').map((ending): [string, string] => [ending, name])));

/** Endings that servers, editors, archivers and people add themselves. */
const ordinary = new Set([
  ...classOf.keys(),
  'bak', 'old', 'orig', 'original', '_original', 'save', 'saved', 'backup', 'prev', 'new', 'tmp', 'temp', 'part', 'partial', 'swp', 'swo', 'lock', 'done', 'processed', 'processing', 'imported', 'loaded', 'sent', 'failed', 'error', 'ok', 'archived', 'disabled', 'off', 'dist', 'sample', 'example',
  'lz4', 'lzma', 'lzo', 'br', 'z', 'sz', 'sig', 'asc', 'sha256', 'md5', 'dpkg-old', 'dpkg-new', 'dpkg-dist', 'dpkg-tmp', 'dpkg-bak', 'ucf-old', 'ucf-dist', 'rpmsave', 'rpmnew', 'rpmorig', 'log', 'crdownload', 'download', 'aria2', 'torrent', 'ics', 'lck', 'pid', 'map', 'min', 'cache', 'idx', 'exiftool_tmp',
]);

const elsewhere = ['/proc/', '/sys/', '/dev/', '/run/', '/usr/', '/lib/', '/boot/', '/bin/', '/sbin/', '/var/lib/dpkg/', '/var/lib/apt/', '/var/lib/rpm/', '/var/cache/', '/var/lib/docker/', '/var/lib/containerd/', '/var/log/', '/snap/'];
const inside = ['/node_modules/', '/.git/', '/.cache/', '/__pycache__/', '/.npm/', '/site-packages/', '/vendor/bundle/', '/.cargo/', '/.m2/', '/.gradle/'];

export interface Document { class: string; ending: string }

/** Whether the file is one that people care for, by its ending and place. Undefined for all others; cheap for those. */
export function documentOf(path: string): Document | undefined {
  const dot = path.lastIndexOf('.');
  if (dot < path.length - 12 || dot <= path.lastIndexOf('/') + 1) return undefined;
  const ending = path.slice(dot + 1).toLowerCase();
  const name = classOf.get(ending);
  if (name === undefined || elsewhere.some((folder) => path.startsWith(folder)) || inside.some((part) => path.includes(part))) return undefined;
  return { class: name, ending };
}

export const folderOf = (path: string): string => path.slice(0, path.lastIndexOf('/'));

/**
 * The ending that a document was given: `.locked` for a.docx → a.docx.locked, a.locked or 8f31.locked.
 * Undefined for a move, another document's ending, or an ending that honest programs give.
 */
export function foreignEnding(from: string, to: string): string | undefined {
  const added = to.startsWith(from) ? to.slice(from.length) : undefined;
  if (added !== undefined && added.includes('/')) return undefined;
  const name = to.slice(to.lastIndexOf('/') + 1);
  const dot = name.lastIndexOf('.');
  // a.docx.id-31F2.[wang@example.org].x is one ending, and so is a.docx-crypted
  const ending = (added ?? (dot < 1 ? '' : name.slice(dot))).toLowerCase();
  return isOrdinary(ending) ? undefined : ending.slice(0, 60);
}

/** Whether an ending (with its dot) is one that people and programs use every day. */
export function isOrdinary(ending: string): boolean {
  const plain = ending.replace(/^[._-]+/, '');
  if (plain === '' || plain === '~' || ending === '~' || ordinary.has(plain)) return true;
  // Numbers, dates and versions: .1, -20261122, .2026-11-22, .v2
  return /^v?[\d.\-_:tTzZ]{1,24}$/.test(plain) || /^(?:bak|old|orig|backup|save|copy)[\d.\-_]{0,16}$/.test(plain) || /^[\d.\-_]{1,16}\.?(?:bak|old|gz)$/.test(plain);
}

/** a.docx for a.docx.locked: the document that a new file may be the cipher of, with the ending added. */
export function twinOf(path: string): { original: string; ending: string } | undefined {
  const slash = path.lastIndexOf('/') + 1;
  for (let at = path.lastIndexOf('.'), n = 0; at > slash && n < 4; at = path.lastIndexOf('.', at - 1), n++) {
    const original = path.slice(0, at);
    if (documentOf(original) !== undefined) return { original, ending: path.slice(at).toLowerCase().slice(0, 60) };
  }
  return undefined;
}

const noteEnglish = /(?:how|need|want)[\s_\-.]{0,3}(?:to|2)[\s_\-.]{0,3}(?:recover|restore|decrypt|unlock|back|get|return|buy)|(?:decrypt|recover(?:y)?|restore|unlock|ransom)[\s_\-.]{0,3}(?:instructions?|files?|my|your|info|note|guide|manual|help|me)|(?:help|read[\s_\-.]{0,2}me|readme)[\s_\-.!]{0,4}(?:to[\s_\-.]{0,2})?(?:decrypt|recover|restore|unlock|now|for[\s_\-.]?decrypt)|(?:your|all)[\s_\-.]{0,2}files?[\s_\-.]{0,3}(?:are[\s_\-.]{0,3})?(?:encrypted|locked|back|lost)|files?[\s_\-.]{0,3}(?:encrypted|locked)|_?(?:ransom|decryptor|decoder)[\s_\-.]{0,3}note|contact[\s_\-.]{0,2}us[\s_\-.]{0,3}(?:to|for)[\s_\-.]{0,3}(?:decrypt|recover)|\bunlock[\s_\-.]readme|!{2,}.{0,20}(?:decrypt|recover|restore|read)/i;
const noteChinese = /(?:解密|恢复|赎回|解锁|勒索|找回)(?:文件|数据|说明|指南|方法|教程|必读|须知|信)?|(?:文件|数据)(?:已|被)?(?:加密|锁定)|如何(?:解密|恢复|找回)/;
const noteEndings = new Set(['txt', 'html', 'htm', 'hta', 'md', 'rtf', 'log', '', 'url', 'png', 'jpg', 'bmp']);

/** The name of a note of extortion, as it would be left in each folder. */
export function noteName(path: string): string | undefined {
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (name.length < 6 || name.length > 80) return undefined;
  const dot = name.lastIndexOf('.');
  if (!noteEndings.has(dot < 0 ? '' : name.slice(dot + 1).toLowerCase())) return undefined;
  return noteEnglish.test(name) || noteChinese.test(name) ? name : undefined;
}
