/**
 * HTML of ours printed to PDF by headless Chromium. The page is our own and holds no script; all the same Chromium gets an account
 * that nobody else has, no network, a folder of its own, and a time limit.
 */
import { randomInt } from 'node:crypto';
import { chmodSync, chownSync, closeSync, constants, existsSync, fstatSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MoatError } from '../core/error.ts';
import type { Lang } from '../core/text.ts';
import { type Run, runner } from '../linux/run.ts';

export type PdfErrorCode = 'no-browser' | 'no-font' | 'not-printed';

export interface PdfOptions { lang: Lang; run?: Run; browsers?: readonly string[]; timeoutMs?: number }

const usualBrowsers = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome-stable', '/usr/bin/google-chrome'];
const pdfMost = 256 << 20;
const usualMs = 120_000;
/** Where systemd takes the accounts of services without one: no person and no package has them. */
const ownFirst = 61_184, ownLast = 65_519;

/** Throws MoatError 'no-browser', 'no-font' and 'not-printed', each saying what to do. */
export async function pdfOf(html: string, { lang, run = runner(), browsers = usualBrowsers, timeoutMs = usualMs }: PdfOptions): Promise<Buffer> {
  const browser = browsers.find((path) => existsSync(path));
  if (browser === undefined) {
    throw new MoatError<PdfErrorCode>('no-browser', `expected Chromium to print a PDF, none of ${browsers.join(', ')} is there`, {
      zh: '生成 PDF 需要 Chromium，本机没有安装', hint: { zh: 'apt install chromium fonts-wqy-microhei；或用 --format html，在任何浏览器里打印成 PDF', en: 'apt install chromium fonts-wqy-microhei; or take --format html and print it to PDF from any browser' },
    });
  }
  await mustHaveFont(lang, run);
  const folder = mkdtempSync(join(tmpdir(), 'moat-pdf-'));
  try {
    const isRoot = process.getuid?.() === 0;
    const own = isRoot ? randomInt(ownFirst, ownLast) : undefined;
    const page = join(folder, 'report.html'), out = join(folder, 'report.pdf');
    writeFileSync(page, html, { mode: 0o600 });
    chmodSync(folder, 0o700);
    if (own !== undefined) for (const path of [page, folder]) chownSync(path, own, own);
    const args = ['--headless', '--disable-gpu', '--no-first-run', '--disable-extensions', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage', '--no-pdf-header-footer', '--proxy-server=127.0.0.1:9', `--user-data-dir=${join(folder, 'profile')}`, `--print-to-pdf=${out}`, `file://${page}`];
    const fault = await printed(run, browser, args, { own, folder, out, timeoutMs });
    return readOut(out, fault);
  } finally { rmSync(folder, { recursive: true, force: true }); }
}

interface Printing { own: number | undefined; folder: string; out: string; timeoutMs: number }

/** With its own sandbox; where the machine gives it none (a container without user namespaces), without: then account, namespace and the page, which runs nothing, stand alone. */
async function printed(run: Run, browser: string, args: readonly string[], { own, folder, out, timeoutMs }: Printing): Promise<string> {
  const env = { HOME: folder, XDG_CONFIG_HOME: folder, XDG_CACHE_HOME: folder, LC_ALL: 'C.UTF-8' };
  const limited = own === undefined ? [] : ['--net', '--', 'setpriv', `--reuid=${own}`, `--regid=${own}`, '--clear-groups', '--no-new-privs', '--inh-caps=-all', '--'];
  let fault = '';
  for (const extra of [[], ['--no-sandbox']]) {
    const [program, ...rest]: [string, ...string[]] = own === undefined ? [browser, ...extra, ...args] : ['unshare', ...limited, browser, ...extra, ...args];
    const { code, stderr } = await run(program, rest, { env, timeoutMs, cwd: folder });
    if (code === 0 && existsSync(out)) return '';
    fault = stderr.split('\n').find((line) => /error|fatal|sandbox|namespace/i.test(line)) ?? `exit code ${code}`;
  }
  return fault;
}

/** Never through a link, and nothing that is no PDF. */
function readOut(path: string, fault: string): Buffer {
  const failed = (why: string): MoatError<PdfErrorCode> => new MoatError('not-printed', `expected Chromium to print the report, got: ${why.slice(0, 300)}`, { zh: `Chromium 没能生成 PDF：${why.slice(0, 300)}`, hint: { zh: '可用 --format html，在任何浏览器里打印成 PDF', en: 'take --format html and print it to PDF from any browser' } });
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch { throw failed(fault === '' ? 'no file' : fault); }
  try {
    const { size } = fstatSync(fd);
    if (!fstatSync(fd).isFile() || size > pdfMost) throw failed(`a file of ${size} bytes`);
    const bytes = readFileSync(fd);
    if (bytes.subarray(0, 5).toString('latin1') !== '%PDF-') throw failed('no PDF');
    return bytes;
  } finally { closeSync(fd); }
}

/** Without a font that has Chinese letters a report would be of empty boxes. Where fontconfig does not tell, it is tried. */
async function mustHaveFont(lang: Lang, run: Run): Promise<void> {
  if (lang !== 'zh') return;
  let listed: string;
  try {
    listed = (await run('fc-list', [':lang=zh-cn', 'family'])).stdout;
  } catch { return; /* no fontconfig: nobody can say */ }
  if (listed.trim() === '') throw new MoatError<PdfErrorCode>('no-font', 'expected a font with Chinese letters, got none', { zh: '本机没有中文字体，PDF 里的中文会是空框', hint: { zh: 'apt install fonts-wqy-microhei（或 fonts-noto-cjk）', en: 'apt install fonts-wqy-microhei (or fonts-noto-cjk)' } });
}
