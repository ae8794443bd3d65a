import { texts } from '../text/lang.ts';

export const words = texts('shell', {
  en: {
    product: 'Moat', skip: 'Skip to content', menu: 'Menu', navigation: 'Pages', live: 'Live', connecting: 'Connecting', cut: 'Not live', liveHow: 'Shown as it happens', cutHow: 'The live connection is cut; this page tries again by itself. What is shown may be old.',
    language: 'Language', theme: 'Theme', light: 'Light', dark: 'Dark', system: 'As the system', account: 'Account', logOff: 'Log off', passkeys: 'Passkeys', keys: 'Keyboard', keysTitle: 'Keyboard shortcuts', goTo: 'Go to {{page}}', next: 'then', search: 'Search on this page', help: 'This help', closeThing: 'Close what is open',
    endedTitle: 'Your session has ended', endedText: 'Log on again to go on where you were; nothing on this page is lost.',
    role_owner: 'Owner', role_administrator: 'Administrator', role_responder: 'Responder', role_analyst: 'Analyst', role_auditor: 'Auditor', role_reader: 'Read only', noTotp: 'No second factor yet', missing: 'There is no such page', missingHow: 'The address may be mistyped, or the page belongs to a newer Moat.', home: 'To the overview',
  },
  zh: {
    product: '护城河', skip: '跳到正文', menu: '菜单', navigation: '页面', live: '实时', connecting: '正在连接', cut: '未实时', liveHow: '有变化时立即显示', cutHow: '实时连接已断开，本页会自动重连；显示的内容可能不是最新。',
    language: '语言', theme: '主题', light: '浅色', dark: '深色', system: '跟随系统', account: '账号', logOff: '退出登录', passkeys: '通行密钥', keys: '快捷键', keysTitle: '键盘快捷键', goTo: '打开{{page}}', next: '然后', search: '在本页搜索', help: '显示本帮助', closeThing: '关闭当前面板',
    endedTitle: '登录已过期', endedText: '重新登录即可从原处继续，本页内容不会丢失。',
    role_owner: '所有者', role_administrator: '管理员', role_responder: '处置员', role_analyst: '分析员', role_auditor: '审计员', role_reader: '只读', noTotp: '尚未开启两步验证', missing: '没有这个页面', missingHow: '地址可能有误，或该页面属于更新版本的 Moat。', home: '回到总览',
  },
});
