import type { Behaviour, BehaviourContext, BehaviourRun } from '../../core/ports.ts';
import { Lru } from '../lru.ts';
import { number } from '../settings.ts';

/** A web service failed several health checks in a row; says so again when it answers. */
export const healthDown: Behaviour = {
  id: 'health-down',
  title: { zh: '网站无法访问', en: 'Web service does not answer' },
  means: { zh: '网站或服务连续几次没有应答，用户可能已经打不开', en: 'A web site or service did not answer several times; its users may be shut out' },
  advice: { zh: '看服务状态和错误日志；与攻击告警同时出现时按事件处理。', en: 'Look at the state of the service and its error log; together with alerts of an attack treat it as an incident.' },
  blind: { zh: '只看健康检查的结果；单次失败不报告。', en: 'Judges the health checks only; single failures are not told.' },
  kinds: ['sensor'],
  settings: {
    failures: { default: 3, min: 1, max: 1000, text: { zh: '连续失败几次才报告', en: 'failures in a row before it is told' } },
    repeatMinutes: { default: 30, min: 1, max: 1440, text: { zh: '持续不可用时每隔几分钟再报一次', en: 'told again after so many minutes while it lasts' } },
  },
  open,
};

interface Outage { failures: number; since: number; told: number; untold: number }

const recovered = { zh: '网站已恢复访问', en: 'Web service answers again' };

function open(context: BehaviourContext): BehaviourRun {
  const limit = number(context, 'failures');
  const repeatMs = number(context, 'repeatMinutes') * 60_000;
  const outages = new Lru<Outage>(1000, () => { context.count('services forgotten'); });
  return {
    observe(event) {
      if (event.action !== 'health' || event.service === undefined) return;
      const url = event.service;
      const outage = outages.get(url);
      if (event.outcome === 'success') {
        if (outage === undefined) return;
        outages.delete(url);
        if (outage.failures < limit) return;
        context.emit({
          ruleId: 'behaviour.health-down', title: recovered, level: 'info',
          summary: { zh: '{service} 已恢复，中断约 {minutes} 分钟', en: '{service} answers again after about {minutes} min' },
          attack: [], key: `${url} recovered`, time: event.time, events: [event], count: 1,
          group: { minutes: ((event.time - outage.since) / 60_000).toFixed(1) },
        });
        return;
      }
      const now = outage ?? { failures: 0, since: event.time, told: Number.NEGATIVE_INFINITY, untold: 0 };
      if (outage === undefined) outages.set(url, now);
      now.failures++;
      now.untold++;
      if (now.failures < limit || event.time - now.told < repeatMs) return;
      now.told = event.time;
      const count = now.untold;
      now.untold = 0;
      context.emit({
        ruleId: 'behaviour.health-down', title: healthDown.title, level: 'high',
        summary: { zh: '{service} 连续 {failures} 次检查失败：{message}', en: '{service} failed {failures} checks in a row: {message}' },
        attack: ['T1489', 'T1499'], key: url, time: event.time, events: [event], count,
        group: { failures: String(now.failures), message: event.message ?? '' },
      });
    },
    size: () => outages.size,
  };
}
