import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findCorpora } from '../bench/eval-corpora.ts';
import { decodeLines } from '../bench/eval-decode.ts';
import { evaluate, totals } from '../bench/eval.ts';

let folder = '';
beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'moat-eval-test-')); });
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const failed = (ip: string): string => `Nov 22 02:27:01 server vsftpd[411]: [kim] FAIL LOGIN: Client "${ip}"`;

const cases = [
  '# filterOptions: {"mode": "normal"}',
  '# failJSON: { "time": "2004-11-22T02:27:01", "match": true , "host": "192.0.2.1" }',
  failed('192.0.2.1'),
  '# failJSON: { "match": true , "host": "192.0.2.2" }',
  failed('192.0.2.9'),
  '# a remark, and a line that nothing speaks of',
  failed('192.0.2.3'),
  '# failJSON: { "match": false }',
  failed('192.0.2.4'),
  '# failJSON: { "match": false }',
  'Nov 22 02:27:01 server vsftpd[411]: CONNECT: Client "192.0.2.5"',
  '# filterOptions: {"mode": "other"}',
  '# failJSON: { "match": false }',
  failed('192.0.2.1'),
  '# filterOptions: [{"logtype": "journal", "test.prefix-line": "server vsftpd[411]: "}]',
  '# failJSON: { "match": true, "host": "2001:DB8::6" }',
  '[kim] FAIL LOGIN: Client "2001:db8:0::6"',
  '# failJSON: { "match": tru }',
  failed('192.0.2.7'),
].join('\n');

/** A crowdsec case whose parser found one failing and one other address, and whose scenario fired on the first. */
function writeCase(name: string): void {
  const dir = join(folder, name);
  mkdirSync(dir);
  writeFileSync(join(dir, 'config.yaml'), `log_file: ${name}.log\nlog_type: vsftpd\n`);
  writeFileSync(join(dir, `${name}.log`), 'Sun Nov 22 02:27:01 2026 [pid 411] [kim] FAIL LOGIN: Client "::ffff:192.0.2.1"\nSun Nov 22 02:27:02 2026 [pid 411] CONNECT: Client "192.0.2.2"\n');
  const meta = (index: number, key: string, value: string): string => `results["s02-enrich"]["x/dateparse-enrich"][${index}].Evt.Meta["${key}"] == "${value}"\n`;
  writeFileSync(join(dir, 'parser.assert'), meta(0, 'log_type', 'ftp_failed_auth') + meta(0, 'source_ip', '192.0.2.1') + meta(1, 'log_type', 'ftp_connect') + meta(1, 'source_ip', '192.0.2.2') + meta(2, 'log_type', 'ftp_failed_auth') + meta(2, 'source_ip', '192.0.2.3'));
  writeFileSync(join(dir, 'scenario.assert'), 'len(results) == 1\nresults[0].Overflow.Sources["192.0.2.1"].IP == "192.0.2.1"\n');
}

test('lines marked true must be failures from that address, lines marked false no failed log-ins', async () => {
  writeFileSync(join(folder, 'vsftpd'), cases);
  const result = await evaluate({ corpora: folder, decode: decodeLines });
  expect(result.fail2ban).toHaveLength(1);
  expect(result.fail2ban[0]).toMatchObject({ service: 'vsftpd', expected: 3, found: 2, negatives: 2, falselyCalled: 1, modal: 1, unreadable: 1 });
  expect(result.fail2ban[0]?.misses.map(({ wanted }) => wanted)).toEqual(['failure from 192.0.2.2', 'no failed log-in']);
  expect(totals(result, true).fail2ban).toMatchObject({ expected: 3, found: 2, negatives: 2, falselyCalled: 1 });
  expect(totals(result, false).fail2ban.expected).toBe(0);
});

describe('cases with assertions', () => {
  test('each address once, as a failure where its log_type says so; scenarios stay unscored without rules', async () => {
    writeCase('vsftpd-bf');
    const { crowdsec } = await evaluate({ corpora: folder, decode: decodeLines });
    expect(crowdsec).toMatchObject([{ service: 'vsftpd-bf', expected: 3, found: 2, scenarioExpected: 1, scenarioFound: undefined }]);
  });

  test('alerts are asked for with the file, and must name the address', async () => {
    writeCase('vsftpd-bf');
    const asked: string[] = [];
    const { crowdsec } = await evaluate({ corpora: folder, decode: decodeLines, alertsOf: async (file) => { asked.push(file); return [{ source_ip: '192.0.2.1' }, {}]; } });
    expect(asked).toEqual([join(folder, 'vsftpd-bf', 'vsftpd-bf.log')]);
    expect(crowdsec[0]).toMatchObject({ scenarioExpected: 1, scenarioFound: 1 });
    const quiet = await evaluate({ corpora: folder, decode: decodeLines, alertsOf: async () => [] });
    expect(quiet.crowdsec[0]).toMatchObject({ scenarioFound: 0 });
  });

  test('a case that points out of its folder is skipped and said', async () => {
    writeCase('vsftpd-bf');
    writeFileSync(join(folder, 'vsftpd-bf', 'config.yaml'), 'log_file: ../../etc/passwd\n');
    const result = await evaluate({ corpora: folder, decode: decodeLines });
    expect(result.crowdsec).toEqual([]);
    expect(result.skipped).toEqual([expect.stringContaining('expected a file name as log_file')]);
  });
});

describe('archives', () => {
  test('are unpacked into a scratch folder and removed again', async () => {
    mkdirSync(join(folder, 'in'));
    writeFileSync(join(folder, 'in', 'vsftpd'), cases);
    mkdirSync(join(folder, 'corpora'));
    execFileSync('tar', ['-czf', join(folder, 'corpora', 'logs.tar.gz'), '-C', join(folder, 'in'), '.']);
    const found = await findCorpora(join(folder, 'corpora'));
    expect(found.fail2ban).toHaveLength(1);
    const scratch = dirname(found.fail2ban[0] ?? '');
    expect(existsSync(scratch)).toBe(true);
    found.dispose();
    expect(existsSync(scratch)).toBe(false);
  });

  test('with links or with paths that lead out are refused', async () => {
    mkdirSync(join(folder, 'in'));
    symlinkSync('/etc', join(folder, 'in', 'link'));
    mkdirSync(join(folder, 'corpora'));
    const archive = join(folder, 'corpora', 'logs.tar.gz');
    execFileSync('tar', ['-czf', archive, '-C', join(folder, 'in'), '.']);
    await expect(findCorpora(join(folder, 'corpora'))).rejects.toThrow('expected plain files only');
    writeFileSync(join(folder, 'outside'), cases);
    execFileSync('tar', ['-czPf', archive, '-C', join(folder, 'in'), '--transform', 's,^outside,../../outside,', '-C', folder, 'outside']);
    await expect(findCorpora(join(folder, 'corpora'))).rejects.toThrow('expected paths below the archive\'s root');
  });
});
