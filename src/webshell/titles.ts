/** What a sign says in words, the same for every language. */
import type { Text } from '../core/text.ts';
import type { SignKind } from './sign.ts';

export const titles: Readonly<Record<SignKind, Text>> = {
  code: { zh: '把访问者发来的数据当作代码执行', en: 'runs what a visitor sends as code' },
  command: { zh: '把访问者发来的数据当作系统命令执行', en: 'runs what a visitor sends as a command' },
  callback: { zh: '由访问者指定要调用的函数', en: 'calls the function that a visitor names' },
  write: { zh: '让访问者写入任意文件', en: 'lets a visitor write any file' },
  include: { zh: '把不是程序的文件当作代码执行', en: 'runs a file as code that is none' },
  connect: { zh: '把本机的 shell 接到另一台机器上', en: 'hands a shell of this machine to another' },
  'file-manager': { zh: '让访问者浏览、读取、改写和删除文件', en: 'lets a visitor list, read, change and delete files' },
  hidden: { zh: '藏起来的危险代码', en: 'dangerous code that was hidden' },
  remote: { zh: '把从别处取来的内容当作代码执行', en: 'runs as code what it fetches from elsewhere' },
  injection: { zh: '页面里被插入了恶意内容', en: 'something hostile was put into the page' },
  handler: { zh: '服务器设置让不是程序的文件被执行，或在每个页面之前先运行它', en: 'settings make the server run what is no program, or run a file before every page' },
  carrier: { zh: '图片或文档里夹带代码', en: 'a picture or document that carries code' },
  unpack: { zh: '把访问者发来的数据还原成对象，其中可以夹带代码', en: 'unpacks objects, which may carry code, from what a visitor sends' },
  account: { zh: '动了网站的账号或密码', en: 'meddles with accounts of the site' },
  mail: { zh: '让访问者用这台服务器随意群发邮件', en: 'lets a visitor send any mail to anybody' },
  sql: { zh: '让访问者在数据库里执行任意语句', en: 'lets a visitor run any statement in a database' },
  odd: { zh: '写法异常的代码', en: 'code of unusual shape' },
};
