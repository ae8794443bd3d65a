/** What many pages say. */
import { texts } from './lang.ts';

export const common = texts('common', {
  en: {
    critical: 'Critical', high: 'High', medium: 'Medium', low: 'Low', info: 'Info',
    loading: 'Loading…', empty: 'Nothing here', retry: 'Try again', close: 'Close', cancel: 'Cancel', save: 'Save', copy: 'Copy', copied: 'Copied', undo: 'Undo', more: 'Show more', all: 'All', open: 'Open', closed: 'Closed', search: 'Search', clear: 'Clear filters', back: 'Back', details: 'Details', why: 'Why', none: 'none', suggestions: 'Suggestions',
    failed: 'That did not work', offline: 'Moat cannot be reached. It goes on protecting; this page tries again by itself.', denied: 'Not yours to see', deniedHow: 'Your role “{{role}}” may not do this. An owner can change roles under System → Accounts.', deniedLook: 'Your account is for other hosts; on this one it may only look. Whoever manages accounts can change that under System → Accounts.', deniedElsewhere: 'Your account is for other hosts; on this one you can only look after the account itself, under System. Whoever manages accounts can change that under System → Accounts.', notFound: 'There is nothing at this address', reload: 'Reload the page', brokenPage: 'This page failed', brokenPageHow: 'The rest of the console works on. Reload; if it fails again, tell us what is written below.',
    ago_s: '{{n}} s ago', ago_m: '{{n}} min ago', ago_h: '{{n}} h ago', ago_d: '{{n}} d ago', in_s: 'in {{n}} s', in_m: 'in {{n}} min', in_h: 'in {{n}} h', in_d: 'in {{n}} d', now: 'just now',
    whyMust: 'Why (kept in the audit log)', whyMay: 'Why (optional, kept in the audit log)',
    hiddenSigns: 'Made visible: characters that a screen would hide or turn around', truncated: '… {{count}} characters more', loaded: '{{count}} shown', end: 'That is all.',
  },
  zh: {
    critical: '严重', high: '高危', medium: '中危', low: '低危', info: '提示',
    loading: '正在加载…', empty: '暂无内容', retry: '重试', close: '关闭', cancel: '取消', save: '保存', copy: '复制', copied: '已复制', undo: '撤销', more: '显示更多', all: '全部', open: '未关闭', closed: '已关闭', search: '搜索', clear: '清除筛选', back: '返回', details: '详情', why: '原因', none: '无', suggestions: '补全',
    failed: '没有成功', offline: '暂时连不上 Moat。防护仍在继续，本页会自动重试。', denied: '无权查看', deniedHow: '您的角色“{{role}}”没有这项权限。所有者可在“系统 → 账号”中调整角色。', deniedLook: '您的账号用于其他主机，在本机只能查看。管理账号的人可在“系统 → 账号”中调整。', deniedElsewhere: '您的账号用于其他主机，在本机只能在“系统”页管理自己的账号。管理账号的人可在“系统 → 账号”中调整。', notFound: '这里没有内容', reload: '刷新页面', brokenPage: '本页出错了', brokenPageHow: '控制台的其他部分不受影响。请刷新；若仍然出错，请把下面的文字告诉我们。',
    ago_s: '{{n}} 秒前', ago_m: '{{n}} 分钟前', ago_h: '{{n}} 小时前', ago_d: '{{n}} 天前', in_s: '{{n}} 秒后', in_m: '{{n}} 分钟后', in_h: '{{n}} 小时后', in_d: '{{n}} 天后', now: '刚刚',
    whyMust: '原因（记入审计）', whyMay: '原因（可不填，记入审计）',
    hiddenSigns: '已显形：屏幕上看不见或会颠倒文字的字符', truncated: '…… 还有 {{count}} 个字符', loaded: '已显示 {{count}} 条', end: '没有更多了。',
  },
});
