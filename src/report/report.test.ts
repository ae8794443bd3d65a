import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { alertFor, auditFor, began, intrusion, large, recordOf, reviewFor, utc } from '../../test/review-scenes.ts';
import type { Indicator, Review } from '../core/review.ts';
import { comparisonsOf } from '../engine/intelligence/stix.ts';
import { digestOf } from '../engine/incident/digest.ts';
import { htmlOf } from './html.ts';
import { incidentDoc } from './incident-doc.ts';
import { jsonOf } from './json.ts';
import { cell, csvOf, listOf } from './lists.ts';
import { coded, markdownOf, plain } from './markdown.ts';
import { fit } from './picture.ts';
import { observableId, stixOf, type StixObject } from './stix.ts';
import { stixFaults } from '../../test/stix-rules.ts';

const sha1 = (bytes: Uint8Array): Uint8Array => createHash('sha1').update(bytes).digest();
const doc = (review: Review, lang: 'zh' | 'en' = 'en') => incidentDoc(review, { lang, clock: utc, zone: 'UTC' });
const html = (review: Review, lang: 'zh' | 'en' = 'en'): string => htmlOf(doc(review, lang));
const hostile = '</text><script>alert(1)</script><img src=x onerror=y>"\' | `` [a](http://evil.example) \u202e\u001b[2J\n# head\r=cmd()';

describe('the report of an incident', () => {
  it('tells a manager what happened, in both languages', () => {
    const review = reviewFor({ record: recordOf({ status: 'recovered', assignee: 'li' }) });
    const en = markdownOf(doc(review)), zh = markdownOf(doc(review, 'zh'));
    for (const word of ['The way in: through the web server nginx', 'found 3 min after it began', 'under control 10 min after it was found', 'recovered 60 min after it was found', 'Root causes', 'Statutory report form']) expect(html(review)).toContain(word);
    for (const word of ['时间线', '攻击路径', '影响范围', '数据风险', '采取的措施', '证据', '根因', '改进', '网络安全事件报告表', '发现（MTTD）', '【请填写】']) expect(html(review, 'zh')).toContain(word);
    expect(en).toContain('`/etc/cron.d/x:1: * * * * * root /var/tmp/.x`');
    expect(zh).toContain('被读取的凭据');
    expect(html(review)).toMatch(/<td[^>]*>detect \(MTTD\)<\/td><td[^>]*>3 min<\/td>/);
  });

  it('holds no estimate without prices, and says what an estimate rests on', () => {
    expect(html(reviewFor())).not.toContain('Estimated cost');
    const priced = html(reviewFor({ place: { prices: { currency: 'CNY', interruption_hour: 1000, leak_gb: 10 } }, told: { interruptionMs: 5_400_000 } }));
    expect(priced).toContain('1500 CNY');
    expect(priced).toContain('how many bytes left is not known');
  });

  it('says what is not known of one of which nothing is', () => {
    const bare = reviewFor({ record: recordOf({ alert_count: 0, finding_count: 0, clock: undefined as never, facts: { ...recordOf().facts, tactics: {}, techniques: [], accounts: [], services: [] } }), alerts: [], findings: [], receipts: [], audit: [], story: undefined });
    for (const lang of ['zh', 'en'] as const) expect(html(bare, lang)).toContain(lang === 'zh' ? '入侵开始的时刻未知' : 'when the intruder began is not known');
    expect(html(bare)).toContain('there is no story to draw');
    expect(bare.causes.map(({ bone }) => bone)).toEqual(['monitoring']);
  });

  it('of a false alarm tells no intrusion', () => {
    const review = reviewFor({ record: recordOf({ status: 'false-alarm', false_alarm: { time: began, by: 'li', why: 'a drill', until: began + 1e9, exceptions: [], left: 0 } }), audit: [auditFor('incident-false-alarm', 'triaged → false-alarm', 9)] });
    expect(review.summary[0]!.en).toContain('false alarm: a drill');
    const page = html(review);
    for (const word of ['Root causes', 'Statutory report form', 'Data at risk']) expect(page).not.toContain(word);
    expect(review.measures.detect.why?.zh).toBe('误报，不计');
  });

  it('is the same again', () => {
    expect(html(reviewFor())).toBe(html(reviewFor()));
    expect(JSON.stringify(stix(reviewFor()))).toBe(JSON.stringify(stix(reviewFor())));
  });

  it('stays readable at fifty thousand things', () => {
    const review = reviewFor({ story: digestOf(large(50_000), began) });
    expect(review.story).toMatchObject({ nodes: 50_000 });
    expect(review.story!.path.items.length).toBeLessThan(30);
    const page = html(review);
    expect(page.length).toBeLessThan(300_000);
    expect(page).toContain('and 24385 more');
    expect(page).toMatch(/\d+ processes more are not drawn/);
  });

  it('gives times as ISO in JSON', () => {
    const json = jsonOf(reviewFor()) as { created: string; measures: { detect: { from: string; ms: number } } };
    expect(json.created).toBe('2026-11-22T02:03:00.000Z');
    expect(json.measures.detect).toMatchObject({ from: '2026-11-22T02:00:00.000Z', ms: 180_000 });
  });
});

describe('hostile words', () => {
  const evil = reviewFor({
    record: recordOf({ host: hostile, title: { zh: hostile, en: hostile }, notes: [{ time: began, by: hostile, text: hostile }], tags: [hostile], tasks: [{ id: 1, title: hostile, created: began, by: 'x' }], links: [{ target: `javascript:${hostile}`, by: 'x', time: began }], improvements: [{ id: 1, title: hostile, owner: hostile, created: began, by: 'x' }] }),
    alerts: [alertFor(hostile, { title: { zh: hostile, en: hostile }, summary: hostile })], story: digestOf(intrusion(hostile), began),
  }, hostile);

  it.each(['zh', 'en'] as const)('are text in HTML and SVG (%s)', (lang) => {
    const page = html(evil, lang);
    expect(page.match(/<(?:script|img|iframe|object|link|a|foreignObject)\b/gi)).toBeNull();
    expect(page).not.toMatch(/ on\w+=["'a-z][^&]*>/);
    expect(page).not.toMatch(/[\u202e\u001b\r]/);
    expect(page).toContain("default-src 'none'");
    expect(page.match(/https?:\/\/(?!www\.w3\.org\/2000\/svg)[^\s]*["']/g) ?? []).toEqual([]);
    // Each tag that is opened is closed: nothing came out of its place.
    for (const tag of ['svg', 'text', 'table', 'td', 'code', 'section', 'dl']) expect(page.split(`</${tag}>`).length).toBe(page.split(new RegExp(`<${tag}[ >]`)).length);
  });

  it.each(['zh', 'en'] as const)('are text in Markdown (%s)', (lang) => {
    const text = markdownOf(doc(evil, lang));
    // Outside of code every mark is escaped.
    const bare = text.split('\n').map((line) => line.replace(/\\[!-/:-@[-`{-~]/g, '').replace(/(`+)(?!`).*?[^`]\1(?!`)/g, ''));
    for (const line of bare) {
      expect(line).not.toMatch(/<|\]\(|https?:/);
      expect(line.startsWith('# ') && line !== bare[0]).toBe(false);
    }
    for (const rows of text.split('\n\n').filter((part) => part.startsWith('|'))) {
      const cells = rows.split('\n').map((row) => row.replaceAll('\\|', '').split('|').length);
      expect(new Set(cells).size).toBe(1);
    }
  });

  it('cannot end a code span or a cell', () => {
    expect(coded('a`b``c')).toBe('```a`b``c```');
    expect(coded('`')).toBe('`` ` ``');
    expect(coded('a|b', true)).toBe('`a\\|b`');
    expect(plain('www.evil.example <a@b> http://x')).toBe('www\\.evil\\.example &lt;a\\@b\\> http\\:\\/\\/x');
  });

  it('are cut to the room they have in pictures', () => {
    expect(fit('a'.repeat(1000), 100, 10).length).toBeLessThan(25);
    expect(fit('护'.repeat(100), 100, 10)).toMatch(/^护{1,9}…$/);
    expect(fit('short', 100, 10)).toBe('short');
  });
});

const indicator = (more: Partial<Indicator>): Indicator => ({ kind: 'address', value: '203.0.113.9', role: 'came', first: began, last: began, attack: [], ...more });
const stix = (review: Review) => stixOf(review, { sha1, tlp: 'amber', author: 'Example', until: began + 86_400_000, lang: 'en' });

describe('indicators', () => {
  it('have the ids that the standard gives observables', () => {
    // Known ids of these two values, as other producers make them.
    expect(observableId('domain-name', { value: 'example.com' }, sha1)).toBe('domain-name--bedb4899-d24b-5401-bc86-8f6b4cc18ec7');
    expect(observableId('ipv4-addr', { value: '198.51.100.3' }, sha1)).toBe('ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4');
    expect(observableId('file', { name: 'b', hashes: { 'SHA-256': 'x' } }, sha1)).toBe(observableId('file', { hashes: { 'SHA-256': 'x' }, name: 'b' }, sha1));
  });

  it('are a bundle by the rules of STIX 2.1, read back by our own reader', () => {
    for (const review of [reviewFor(), reviewFor({ story: undefined }), reviewFor({ story: digestOf(intrusion(hostile), began) })]) expect(stixFaults(stix(review))).toEqual([]);
    const { objects } = stix(reviewFor());
    const of = (type: string): StixObject[] => objects.filter((one) => one.type === type);
    expect(of('indicator').map(({ pattern }) => pattern)).toEqual(["[ipv4-addr:value = '203.0.113.9']", "[ipv4-addr:value = '198.51.100.7']", "[domain-name:value = 'drop.example']", `[file:hashes.'SHA-256' = '${'a'.repeat(64)}']`]);
    expect(of('indicator').flatMap(({ pattern }) => comparisonsOf(String(pattern)) ?? []).map(({ value }) => value)).toEqual(['203.0.113.9', '198.51.100.7', 'drop.example', 'a'.repeat(64)]);
    expect(of('attack-pattern').map(({ name }) => name)).toContain('T1505.003');
    // A doubtful one was seen, and is no indicator.
    expect(of('domain-name').map(({ value }) => value)).toEqual(expect.arrayContaining(['deb.example', 'drop.example']));
    expect(of('report')[0]!['object_refs']).toHaveLength(objects.length - 2);
  });

  it('finds what breaks the rules', () => {
    const bundle = stix(reviewFor());
    const broken = (change: (one: StixObject) => void, type: string): string[] => { const copy = structuredClone(bundle); change(copy.objects.find((one) => one.type === type)!); return stixFaults(copy); };
    expect(broken((one) => { delete one['pattern_type']; }, 'indicator')).not.toEqual([]);
    expect(broken((one) => { one['target_ref'] = 'indicator--00000000-0000-4000-8000-000000000000'; }, 'relationship')).not.toEqual([]);
    expect(broken((one) => { one['value'] = '192.0.2.1'; }, 'ipv4-addr')).not.toEqual([]);
    expect(broken((one) => { one['published'] = 'yesterday'; }, 'report')).not.toEqual([]);
  });

  it('are no formulas in CSV', () => {
    for (const text of ['=1+1', '+1', '-1', '@x', '\t=1', '  =1', '|x', '＝1']) expect(cell(text)).toMatch(/^"'/);
    expect(cell('a"b')).toBe('"a""b"');
    expect(cell('198.51.100.7')).toBe('"198.51.100.7"');
    const csv = csvOf([indicator({ path: '=HYPERLINK("http://evil.example")', kind: 'sha256' }), indicator({ value: '-x,"\r\n=y' })], 'en');
    expect(csv.trimEnd().split('\r\n')).toHaveLength(3);
    expect(csv).not.toMatch(/(?:^|,)"?[=+@-]/m);
  });

  it('are a plain list without the doubtful', () => {
    const text = listOf([indicator({ kind: 'domain', value: 'evil.example' }), indicator({}), indicator({ value: '192.0.2.1', doubt: { zh: '公共', en: 'shared' } })], { title: 'x\ny', doubtful: (n) => `${n} left out` });
    expect(text).toBe('# x\\x0ay\n# 1 left out\n203.0.113.9\nevil.example\n');
  });
});
