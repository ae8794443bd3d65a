/** Which files engines of signatures look into: programs, scripts and files of odd places that no package has, or that are not as it shipped them. */
import { MoatError, reasonOf } from '../core/error.ts';
import type { ScanContext, WalkedFile } from './port.ts';

const scripts = /\.(?:sh|bash|py|pl|rb|php\d?|phtml|jspx?|aspx?|ashx|cgi|lua|so(?:\.[\d.]+)?|ko|elf|bin|run|exe|dll|jar|war|class|ps1|bat|vbs|hta)$/i;
const odd = /^\/(?:tmp|var\/tmp|dev\/shm|dev|run|boot|usr\/games|var\/spool|var\/crash|var\/cache|lost\+found)\//;
const dotted = /\/\.[^/]+(?:\/[^/]*)?$/;
const notes = /\/[^/]*(?:decrypt|recover|restore|ransom|readme|how[_ -]?to|unlock|warning|instruction)[^/]*\.(?:txt|html?|hta)$/i;
const web = /\/(?:www|wwwroot|htdocs|public_html|webapps)\/.*\.(?:html?|js|inc|txt|jpe?g|png|gif|ico)$/i;
/** Made up by the kernel; or kept by package managers, whose scripts another check judges. */
const made = /^\/(?:proc|sys|var\/lib\/dpkg\/info|var\/cache\/debconf)\//;

export function worthSignatures({ path, stat }: WalkedFile, max: number): boolean {
  if (stat.kind !== 'file' || stat.size === 0 || stat.size > max || made.test(path)) return false;
  return (stat.mode & 0o111) !== 0 || scripts.test(path) || odd.test(path) || dotted.test(path) || notes.test(path) || web.test(path);
}

/** Not for a file that its package shipped as it is. */
export async function isShipped(path: string, context: ScanContext): Promise<boolean> {
  try {
    const owner = await context.provenance.owner(path);
    return owner !== undefined && (owner.state === 'intact' || owner.state === 'unchecked');
  } catch (error) {
    if (!(error instanceof MoatError)) throw error;
    context.blind(path, reasonOf(error));
    return false;
  }
}

/** The whole file, when `isWorth` says so of its first bytes; undefined when it does not or the file is gone. Throws TreeError. */
export function bytesOf(path: string, context: ScanContext, max: number, isWorth: (head: Buffer, size: number) => boolean = () => true): Buffer | undefined {
  const opened = context.tree.open(path);
  if (!opened) return undefined;
  try {
    const size = Math.min(opened.size, max);
    if (size > headBytes) {
      const head = Buffer.allocUnsafe(headBytes);
      if (!isWorth(head.subarray(0, opened.read(head, 0)), size)) return undefined;
    }
    const bytes = Buffer.allocUnsafe(size);
    let length = 0;
    for (let got = -1; got !== 0 && length < bytes.length; length += got) got = opened.read(bytes.subarray(length), length);
    return bytes.subarray(0, length);
  } finally { opened.close(); }
}

const headBytes = 4096;
