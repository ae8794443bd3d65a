/** Why a rule is refused, in Chinese: what kind of fault by its code, and the sentences that writers meet most. Others keep their English detail. */
import type { SigmaErrorCode } from './error.ts';

const kinds: Readonly<Record<SigmaErrorCode, string>> = {
  yaml: '不是规则所用的 YAML', limit: '太大、太深或太多', metadata: '规则的基本信息有误', logsource: 'logsource 有误', detection: 'detection 的写法有误', modifier: '修饰符有误', value: '值与修饰符不合', placeholder: '占位符没有定义',
  regex: '正则有误，或不能在线性时间内运行', condition: 'condition 有误', aggregation: '已废弃的聚合写法', correlation: '关联规则有误', filter: '过滤规则有误', reference: '引用的规则不存在或已被拒绝', duplicate: '编号或名称已被占用',
};

/** Each with what it names; `$1` and so on are as the message has them. */
const sentences: readonly [RegExp, string][] = [
  [/^expected a title, got none$/, '缺少 title'],
  [/^expected level informational, low, medium, high or critical, got (.*)$/s, 'level 应为 informational、low、medium、high 或 critical，实为 $1'],
  [/^expected status (.*), got (.*)$/s, 'status 应为 $1，实为 $2'],
  [/^expected a map under (\S+), got (?:a )?(.*)$/s, '$1 之下应为“键: 值”，实为 $2'],
  [/^expected category, product or service under logsource, got none$/, 'logsource 之下应有 category、product 或 service'],
  [/^expected one of detection, correlation and filter, got (.*)$/s, '应有 detection、correlation、filter 之一，实为 $1'],
  [/^expected a modifier of the specification, got (.*)$/s, '没有修饰符 $1'],
  [/^expected a condition, got .*$/s, '缺少 condition'],
  [/^expected at least one search identifier, got none$/, 'detection 之下至少要有一项选择'],
  [/^expected at least one value for (.*), got an empty list$/s, '$1 至少要有一个值'],
  [/^expected each key once, got (.*) twice$/s, '键 $1 写了两次'],
  [/^expected a unique (\S+), got (.*) as in (.*)$/s, '$1 $2 已被 $3 占用'],
  [/^expected the id or name of a rule, got (.*), which is none that was accepted$/s, '没有编号或名称为 $1 的规则'],
  [/^expected the id or name of a rule, got (.*), which was refused itself$/s, '规则 $1 自身已被拒绝'],
  [/^expected a timespan such as .*, got (.*)$/s, 'timespan 应如 30s、5m、2h、1d、1w，实为 $1'],
  [/^expected text for (\S+), got a (.*)$/s, '$1 应为文本，实为 $2'],
  [/^expected YAML, got (.*)$/s, '不是 YAML：$1'],
];

/** The message itself is the English one. */
export function faultZh(code: SigmaErrorCode, message: string): string {
  for (const [pattern, zh] of sentences) {
    const found = pattern.exec(message);
    if (found) return zh.replaceAll(/\$(\d)/g, (_, n: string) => found[Number(n)] ?? '');
  }
  return `${kinds[code]}（${message}）`;
}
