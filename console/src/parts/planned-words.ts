import { texts } from '../text/lang.ts';

export const words = texts('planned', {
  en: {
    risk_low: 'Low risk', risk_medium: 'Medium risk', risk_high: 'High risk', reversible: 'can be undone', final: 'cannot be undone', refused: 'Moat will not do this', insist: 'Show it all the same', insisted: 'You insist: what usually speaks against it is passed over.', failed: 'It was begun, but did not succeed', partly_one: '{{count}} step was done and stands under What was done; then it stopped', partly_other: '{{count}} steps were done and stand under What was done; then it stopped', confirmBy: 'It is taken back by itself unless somebody confirms it within {{n}} min, so that nobody locks themselves out. Confirm it under Protection → What was done.',
  },
  zh: {
    risk_low: '低风险', risk_medium: '中风险', risk_high: '高风险', reversible: '可撤销', final: '不可撤销', refused: 'Moat 不会这样做', insist: '仍要查看方案', insisted: '您坚持执行：通常的顾虑将被忽略。', failed: '已开始，但没有成功', partly_one: '已做完 {{count}} 步（见“处置记录”），随后停止', partly_other: '已做完 {{count}} 步（见“处置记录”），随后停止', confirmBy: '若 {{n}} 分钟内无人确认，会自动撤销，以免把自己关在门外。请在“防护 → 处置记录”里确认。',
  },
});
