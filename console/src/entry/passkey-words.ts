import { texts } from '../text/lang.ts';

export const words = texts('passkeys', {
  en: {
    title: 'Passkeys', lead: 'A passkey is a key in your phone, computer or security key. You log on with a finger, your face or a PIN: nothing to remember, and nothing that a forged page could take from you.',
    add: 'Add a passkey', name: 'Name, so that you know it again', namePlace: 'For example: work laptop', password: 'Your password', passwordWhy: 'so that nobody adds a key at your unlocked screen', make: 'Go on', makeHow: 'Your browser asks next which device to use.', made: 'The passkey is kept',
    none: 'No passkey yet', noneHow: 'With one your password alone lets nobody in.', created: 'added', used: 'last used', never: 'not used yet', synced: 'copied to your other devices by its maker', rename: 'Rename', renamed: 'It is renamed', remove: 'Remove', removeTitle: 'Remove “{{name}}”?', removeHow: 'It will log nobody on any more. Delete it on the device too, where it stays.', removeLast: 'It is your last one: without one-time codes your password alone will do again.', removed: 'It is removed',
    cancelled: 'Nothing was done: it was cancelled, or took too long.', known: 'This device already has a passkey for your account.', elsewhere: 'Passkeys of this server work where it is opened by the name {{domain}}.', browser: 'The browser refuses: {{said}}', address: 'Browsers allow passkeys only where the console is opened by a name, not by an address.', openThere: 'Open {{origin}}', unsupported: 'This browser cannot use passkeys here.',
    logOn: 'Log on with a passkey', or: 'or', second: 'Use your passkey', secondHow: 'Confirm that it is you, with your passkey.', orCode: 'Or enter a code', instead: 'Use a passkey instead (finger, face, PIN or security key)', insteadCodes: 'Use one-time codes instead', recoveryTitle: 'Keep these recovery codes',
  },
  zh: {
    title: '通行密钥', lead: '通行密钥存放在您的手机、电脑或安全密钥中。登录时用指纹、面容或 PIN 即可，不用记密码，假冒网站也骗不走。',
    add: '添加通行密钥', name: '名称（便于辨认）', namePlace: '例如：办公笔记本', password: '您的密码', passwordWhy: '防止他人趁您离开时添加密钥', make: '继续', makeHow: '接下来浏览器会询问使用哪个设备。', made: '通行密钥已登记',
    none: '还没有通行密钥', noneHow: '添加后，即使密码泄露，别人也无法登录。', created: '添加于', used: '上次使用', never: '尚未使用', synced: '由其厂商同步到您的其他设备', rename: '改名', renamed: '已改名', remove: '删除', removeTitle: '删除“{{name}}”？', removeHow: '删除后不能再用它登录。设备上的那一份请另行删除。', removeLast: '这是最后一把：如果没有动态验证码，以后只凭密码就能登录。', removed: '已删除',
    cancelled: '没有完成：已取消或等待超时。', known: '这个设备上已有本账号的通行密钥。', elsewhere: '请用域名 {{domain}} 打开控制台，才能使用通行密钥。', browser: '浏览器拒绝：{{said}}', address: '浏览器只允许在用域名（而不是 IP 地址）打开的页面上使用通行密钥。', openThere: '打开 {{origin}}', unsupported: '这个浏览器在此处不能使用通行密钥。',
    logOn: '用通行密钥登录', or: '或', second: '使用通行密钥', secondHow: '请用通行密钥确认是您本人。', orCode: '或输入验证码', instead: '改用通行密钥（指纹、面容、PIN 或安全密钥）', insteadCodes: '改用动态验证码', recoveryTitle: '请保存恢复码',
  },
});
