import { texts } from '../text/lang.ts';

export const words = texts('entry', {
  en: {
    logOn: 'Log on', welcome: 'Moat watches this server.', name: 'Account', password: 'Password', code: 'Code', codeTitle: 'One more step', codeHow: 'Enter the six digits that your authenticator shows now, or one of your recovery codes.', useCode: 'Log on', recoveryCode: 'Recovery code', recoveryHow: 'Your device is not at hand? Enter one of your recovery codes.', other: 'Another account', enterName: 'Enter the account', enterPassword: 'Enter the password', enterCode: 'Enter the code',
    setUp: 'Make the first account', setUpLead: 'It is the owner: whoever has it may do everything here.', noLink: 'The set-up link is missing', noLinkHow: 'This Moat has no owner yet. On the server, run this and open the link that it prints:', again: 'The password once more', differ: 'The two are not the same', passwordHow: 'At least 12 characters; a sentence is good. No rules about signs.', create: 'Create and go on', tooShort: 'At least 12 characters', nameHow: 'Letters, digits, . _ @ -',
    totpTitle: 'Protect it with a second factor', totpLead: 'With it a stolen password is of no use. Scan this with an authenticator app, then enter the six digits that it shows.', totpManual: 'Cannot scan? Enter this key:', confirm: 'Confirm', later: 'Later', recoveryTitle: 'Keep these recovery codes', recoveryLead: 'Each works once, in place of a code, should you lose your phone. They are shown only now: print them or put them into a password safe.', recoveryKept: 'I have put them in a safe place', done: 'Open the console', qr: 'QR code for the authenticator',
  },
  zh: {
    logOn: '登录', welcome: '护城河正在守护这台服务器。', name: '账号', password: '密码', code: '验证码', codeTitle: '还差一步', codeHow: '请输入验证器当前显示的六位数字，或一个恢复码。', useCode: '登录', recoveryCode: '恢复码', recoveryHow: '设备不在身边？请输入一个恢复码。', other: '换一个账号', enterName: '请输入账号', enterPassword: '请输入密码', enterCode: '请输入验证码',
    setUp: '创建第一个账号', setUpLead: '它是所有者，拥有这里的全部权限。', noLink: '缺少设置链接', noLinkHow: '这台 Moat 还没有所有者。请在服务器上运行下面的命令，并打开它给出的链接：', again: '再输一次密码', differ: '两次输入不一致', passwordHow: '至少 12 个字符，一句话就很好，不强求特殊符号。', create: '创建并继续', tooShort: '至少 12 个字符', nameHow: '中文、字母、数字和 . _ @ -',
    totpTitle: '开启两步验证', totpLead: '开启后，即使密码泄露，别人也无法登录。请用验证器应用扫码，再输入它显示的六位数字。', totpManual: '无法扫码？请手动输入密钥：', confirm: '确认', later: '以后再说', recoveryTitle: '请保存恢复码', recoveryLead: '手机丢失时，每个恢复码可代替验证码使用一次。只在此刻显示：请打印或存入密码库。', recoveryKept: '我已妥善保存', done: '进入控制台', qr: '供验证器扫描的二维码',
  },
});
