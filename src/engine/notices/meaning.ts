/** What an attack technique means for somebody who has never met it, in one sentence. */
import type { Text } from '../../core/text.ts';

const meanings: Readonly<Record<string, Text>> = {
  'T1003': { zh: '有人在取本机账号的口令哈希，取到后可离线破解并用于其他机器', en: 'somebody takes password hashes of this machine; once cracked they open other machines too' },
  'T1014': { zh: '有东西在藏进程、文件或端口，本机的命令可能已不可信', en: 'something hides processes, files or ports; what tools on this machine say may be false' },
  'T1021': { zh: '有人从这台机器登录别的机器，入侵可能正在扩散', en: 'somebody goes on from this machine to others: the intrusion may be spreading' },
  'T1027': { zh: '命令或文件做了混淆，通常是为了躲过检查', en: 'a command or file is disguised, mostly to get past a look' },
  'T1036': { zh: '程序冒充系统程序，通常是恶意程序', en: 'a program poses as one of the system; mostly it is malware' },
  'T1041': { zh: '数据可能正被送出', en: 'data may be leaving' },
  'T1046': { zh: '有人在探测端口；若由本机发起，本机可能已被控制', en: 'somebody probes ports; if this machine does it, it may be under foreign control' },
  'T1048': { zh: '数据可能正被送出', en: 'data may be leaving' },
  'T1053': { zh: '定时任务被改，恶意程序常借此在被清除后重新运行', en: 'a scheduled job changed; malware returns that way after it was removed' },
  'T1055': { zh: '有程序在改别的程序的内存，常用来藏身', en: 'a program changes the memory of another, mostly to hide in it' },
  'T1059': { zh: '有人在本机执行命令；确认是不是自己人', en: 'somebody runs commands on this machine; make sure that it is one of yours' },
  'T1068': { zh: '有程序拿到了不该有的权限，可能是提权漏洞', en: 'a program got rights it should not have: perhaps a local exploit' },
  'T1070': { zh: '日志或痕迹被删，通常是为了掩盖入侵', en: 'logs or traces were removed, mostly to hide an intrusion' },
  'T1071': { zh: '本机在与可疑的服务器通信，可能受其控制', en: 'this machine speaks to a suspicious server, which may control it' },
  'T1078': { zh: '有人用有效的账号登录；若不是本人，口令或密钥已经泄露', en: 'somebody logged on with a valid account; if it was not its owner, password or key has leaked' },
  'T1090': { zh: '流量经过代理或匿名网络，通常是为了隐藏去向', en: 'traffic goes through a proxy or an anonymous network, mostly to hide where it goes' },
  'T1095': { zh: '可能是反弹 shell：攻击者正从远处操作这台机器', en: 'perhaps a reverse shell: an attacker works on this machine from afar' },
  'T1098': { zh: '登录密钥或账号权限被改，改的人以后可以随时进来', en: 'a log-on key or an account was changed; who did it can come back at any time' },
  'T1105': { zh: '有程序被下载到本机，常是入侵后的第一步', en: 'a program was fetched onto this machine, often the first step after getting in' },
  'T1110': { zh: '有人在猜口令；用密钥登录、关闭口令登录可彻底避免', en: 'somebody guesses passwords; log-on by key alone puts an end to it' },
  'T1133': { zh: '有人从外面用远程服务登录；确认是不是自己人', en: 'somebody came in through a remote service; make sure that it is one of yours' },
  'T1136': { zh: '新增了账号；若不是你加的，就是后门', en: 'an account was added; if you did not, it is a back door' },
  'T1190': { zh: '有人在利用网站或服务的漏洞；成功后可在本机执行命令', en: 'somebody attacks a hole in a web site or service; success means commands on this machine' },
  'T1195': { zh: '软件包的脚本做了不该做的事，软件来源可能被投毒', en: 'a package\'s script did what it should not; its source may be poisoned' },
  'T1204': { zh: '一个来历可疑的程序被运行了', en: 'a program of doubtful origin was run' },
  'T1485': { zh: '大量文件正被删除或毁坏', en: 'many files are being deleted or destroyed' },
  'T1486': { zh: '文件可能正被加密勒索，每一秒都在损失数据：立即断网', en: 'files may be under encryption for ransom, and every second loses data: cut the network now' },
  'T1489': { zh: '有服务被停止', en: 'a service was stopped' },
  'T1496': { zh: '可能在挖矿：有人在用这台机器的算力', en: 'perhaps mining: somebody uses the power of this machine' },
  'T1498': { zh: '流量攻击，服务可能不可用', en: 'a flood of traffic; services may be out of reach' },
  'T1499': { zh: '请求量异常，服务可能不可用', en: 'an odd load of requests; services may be out of reach' },
  'T1505': { zh: '网站里可能有木马，攻击者可随时通过网页执行命令', en: 'the web site may hold a back door through which commands can be run at any time' },
  'T1543': { zh: '系统服务被改，恶意程序常借此开机自启', en: 'a system service changed; malware starts at boot that way' },
  'T1546': { zh: '登录或触发脚本被改，恶意程序常借此重新运行', en: 'a log-on or trigger script changed; malware returns that way' },
  'T1547': { zh: '开机启动项或内核模块被改', en: 'something that starts at boot, or a kernel module, changed' },
  'T1548': { zh: '有人取得了更高的权限', en: 'somebody got higher rights' },
  'T1552': { zh: '有程序在读凭据文件；密钥可能已泄露，应更换', en: 'a program reads credentials; keys may have leaked and should be changed' },
  'T1554': { zh: '程序文件被换过', en: 'a program\'s file was exchanged' },
  'T1556': { zh: '登录验证被改，口令可能正被窃取或被绕过', en: 'the way log-ons are checked changed; passwords may be stolen or not needed any more' },
  'T1562': { zh: '防护或日志被关闭，接下来的动作可能看不见', en: 'protection or logging was switched off; what comes next may not be seen' },
  'T1564': { zh: '有东西被特意藏起来', en: 'something was hidden on purpose' },
  'T1571': { zh: '本机在不寻常的端口上通信，可能受人控制', en: 'this machine speaks on an odd port; it may be under foreign control' },
  'T1572': { zh: '有人建了隧道，可借此绕过防火墙', en: 'somebody made a tunnel that goes around the firewall' },
  'T1574': { zh: '程序加载的库被换，任何命令都可能带上恶意代码', en: 'the libraries that programs load were exchanged: any command may carry foreign code' },
  'T1589': { zh: '有人在打听本机有哪些账号', en: 'somebody finds out which accounts there are' },
  'T1595': { zh: '有人在扫描本机，多为自动程序，通常是试探', en: 'somebody scans this machine; mostly a program that tries its luck' },
  'T1610': { zh: '有容器被启动；确认是不是自己人', en: 'a container was started; make sure that it was one of yours' },
  'T1611': { zh: '容器里的程序可能已控制宿主机', en: 'a program in a container may have got hold of the host' },
  'T1620': { zh: '程序只在内存里运行，磁盘上找不到，通常是恶意程序', en: 'a program runs from memory alone and lies on no disk; mostly it is malware' },
  'T1657': { zh: '与诈骗或勒索钱财有关', en: 'it has to do with fraud or extortion' },
};

/** Of the first technique that is known; undefined when none is. */
export function meaningOf(attack: readonly string[]): Text | undefined {
  for (const technique of attack) {
    const found = meanings[technique] ?? meanings[technique.slice(0, 5)];
    if (found) return found;
  }
  return undefined;
}
