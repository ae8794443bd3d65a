/** Notices for tests, ordinary and hostile. */
import type { Notice, NoticeItem, Outcome } from '../src/core/notice.ts';
import type { Notifier } from '../src/notifiers/port.ts';
import type { Secret } from '../src/notifiers/settings.ts';

const start = Date.UTC(2026, 10, 22, 2, 27, 1);

export function sampleItem(change: Partial<NoticeItem> = {}): NoticeItem {
  return {
    id: '3f2a90c1d4e5b677', level: 'high', title: 'SSH 暴力破解', host: 'shop-1', time: start, last: start + 90_000, count: 37,
    facts: [{ label: '来源地址', value: '203.0.113.9 (NL)' }, { label: '账号', value: 'wang' }, { label: '程序或文件', value: '/usr/sbin/sshd' }],
    means: '有人在猜口令', next: ['moat origin 203.0.113.9', 'moat alerts show 3f2a90c1d4e5b677'], ...change,
  };
}

export function sampleNotice(change: Partial<Notice> = {}): Notice {
  const items = change.items ?? [sampleItem()];
  return { id: '0123456789abcdef01234567', time: start, lang: 'zh', level: items[0]?.level ?? 'info', host: 'shop-1', items, dropped: 0, zone: 'Asia/Shanghai', ...change };
}

/** What an attacker would write into an account's name or a command. */
export const hostileTexts = [
  '@all @所有人 @13800000000 <@all> <@U0123456> <!channel> <!everyone|x> <at id=all></at> <at user_id="all">all</at>',
  '[修复](http://evil.example/x) ![x](https://evil.example/p.png) [.](http://evil.example) <http://evil.example|点我> <a href="http://evil.example">x</a>',
  'see www.evil.example or evil.example/path, mailto:a@evil.example javascript:alert(1) user@evil.example 例子.中国 evil。example',
  '**粗** __b__ ~~s~~ `code` # 标题\n## 第二行\r\n> 引用\n- 列表\n| a | b |\n---\n<font color="warning">x</font> <script>alert(1)</script> &lt;b&gt; &#91;x&#93;(y) \\[x\\](y)',
  '\u202e\u2066反\u200b\u0000\u001b[31m\u0007 \ud83d 😀👨‍👩‍👧‍👦 "quote\' $(id) `id`',
];

export const hostileNotice = (repeat = 1): Notice => sampleNotice({
  host: `shop-1 ${hostileTexts[0]}`,
  items: hostileTexts.map((text, i) => sampleItem({ id: `${i}`.padStart(16, '0'), title: text.repeat(repeat), host: text.repeat(repeat), facts: [{ label: '账号', value: text.repeat(repeat) }, { label: '经过', value: text.repeat(repeat) }] })),
});

/** Sends through a channel as the agent does; secrets stand in the settings. */
export function deliverBy(notifier: Notifier, settings: Record<string, unknown>, notice: Notice, now: () => number = Date.now): Promise<Outcome> {
  return notifier.deliver(notice, settings, { signal: AbortSignal.timeout(30_000), now, secret: (from: Secret) => { if (typeof from !== 'string') throw new Error('expected the secret itself'); return from; } });
}

/** A thousand sizes of text in letters of 1 to 4 bytes: whatever the limit is, some of them would be cut in the middle. */
export const growing = (n: number): Notice => sampleNotice({
  items: Array.from({ length: 1 + (n % 40) }, (_, i) => sampleItem({ id: `${i}`.padStart(16, '0'), title: '护城河😀é x'.repeat(n), facts: [{ label: '经过', value: '😀'.repeat(n) + '河'.repeat(n % 7) }] })),
});
