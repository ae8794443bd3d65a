/** Takes secrets out of what services and libraries say. */
import type { Outcome } from '../core/notice.ts';
import { safe } from '../core/safe.ts';

const shortest = 4;
/** A part of a secret that is a secret by itself; shorter ones are words. */
const shortestPart = 8;
const textMax = 300;
/** A reply may be long; only its beginning is shown. */
const looked = 70_000;

export class Scrubber {
  private readonly secrets = new Set<string>();

  /** Returns the secret. Of an address and of a header (`Bearer TOKEN`, `Basic BASE64`) the parts are secrets too: a service may repeat the token alone. */
  learn(secret: string): string {
    this.add(secret);
    const [scheme = '', ...rest] = secret.trim().split(/\s+/);
    for (const part of rest) if (part.length >= shortestPart) this.add(part);
    if (scheme.toLowerCase() === 'basic') {
      const account = Buffer.from(rest[0] ?? '', 'base64').toString();
      this.add(account);
      this.add(account.slice(account.indexOf(':') + 1));
    }
    const url = parseUrl(secret);
    if (url?.hostname) {
      this.add(url.href);
      this.add(url.pathname + url.search);
      for (const part of [...url.pathname.split('/'), ...url.searchParams.values()]) if (part.length >= 16) this.add(part);
      this.add(url.search.slice(1));
      this.add(url.password);
    }
    return secret;
  }

  text(text: string): string {
    let out = text.slice(0, looked);
    for (const secret of [...this.secrets].sort((a, b) => b.length - a.length)) out = out.replaceAll(secret, '***');
    return safe(out.length > textMax ? `${out.slice(0, textMax)}…` : out);
  }

  outcome(outcome: Outcome): Outcome {
    if (outcome.kind === 'sent') return outcome;
    return { ...outcome, code: this.text(outcome.code), what: { zh: this.text(outcome.what.zh), en: this.text(outcome.what.en) } };
  }

  private add(text: string): void {
    if (text.length < shortest) return;
    this.secrets.add(text);
    // As addresses, JSON and the log-on of a mail server write it.
    this.secrets.add(encodeURIComponent(text));
    this.secrets.add(JSON.stringify(text).slice(1, -1));
    this.secrets.add(Buffer.from(text).toString('base64'));
  }
}

/** Undefined for what is no URL. */
export function parseUrl(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch { return undefined; /* the answer: it is none */ }
}
