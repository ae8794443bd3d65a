/** Why something was not looked at whole, as the analysers and scanners in other processes say it in English, in both languages. */
import type { Text } from '../core/text.ts';

const zh: Readonly<Record<string, string>> = {
  'more depth than allowed': '嵌套超过上限', 'more nodes than allowed': '语法节点超过上限', 'more steps than allowed': '推演步数超过上限', 'more text than allowed': '解出的文本超过上限', 'more texts than allowed': '解出的文本数量超过上限', 'more time than allowed': '用时超过上限',
  'nested deeper than can be followed': '嵌套太深，跟不下去', 'expressions beyond the limit': '表达式太多', 'scripts beyond the limit': '脚本太多', 'the end of a file that is too large': '文件太大，结尾没看', 'the end of a script that is too long': '脚本太长，结尾没看',
  'ended: it took too long': '用时太长，被中止', 'ended: it took too much memory or its thread broke': '内存超限或线程出错，被中止', 'layers of decoded code': '解码的层数太多',
  'the scan was ended': '扫描被中止', 'the YARA engine does not start': 'YARA 引擎启动不了', 'it took too long': '用时太长', 'the YARA engine did not start in time': 'YARA 引擎没能及时启动', 'the YARA engine ended: too much memory, or a fault of its own': 'YARA 引擎退出：内存超限或自身出错',
  'clamd did not answer in time': 'clamd 没有及时回答', 'clamd answered without end': 'clamd 的回答没完没了', 'clamd hung up without an answer': 'clamd 没有回答就断开了',
};
const beginnings: readonly (readonly [en: string, zh: string])[] = [
  ['code of unexpected shape: ', '代码形状出乎意料：'], ['no reader for ', '没有能读它的分析器：'], ['clamd said: ', 'clamd 说：'],
];

export function reasonText(en: string): Text {
  const begins = beginnings.find(([begin]) => en.startsWith(begin));
  return { zh: Object.hasOwn(zh, en) ? zh[en]! : begins ? begins[1] + en.slice(begins[0].length) : en, en };
}
