/** User data of several parts, as an e-mail with attachments has them. */

const partsMax = 50;

/** Texts of the parts, base64 undone; the text itself where it is of one part. */
export function partsOf(text: string, cut: () => void = () => undefined): string[] {
  const head = text.slice(0, 4096);
  const boundary = /^content-type:\s{0,20}multipart\/[^\n]{0,200}boundary="?([^"\s;]{1,100})/im.exec(head.replace(/\r?\n[ \t]+/g, ' '))?.[1];
  if (boundary === undefined) return [text.trimStart()];
  const parts = text.split(`--${boundary}`).slice(1);
  if (parts.length > partsMax) cut();
  return parts.slice(0, partsMax).map((part) => {
    const normal = part.replaceAll('\r\n', '\n');
    const gap = normal.indexOf('\n\n');
    if (gap < 0) return '';
    const body = normal.slice(gap + 2);
    return (/^content-transfer-encoding:\s{0,20}base64/im.test(normal.slice(0, gap)) ? Buffer.from(body, 'base64').toString('utf8') : body).trimStart();
  }).filter((part) => part !== '' && !part.startsWith('--'));
}
