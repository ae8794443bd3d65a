// Bots of routers and servers. Own writing.

private rule is_elf { condition: uint32(0) == 0x464c457f }

rule botnet_flooder_program {
  meta:
    level = "critical"
    zh = "僵尸网络的攻击程序"
    en = "a bot that floods and spreads"
    attack = "T1498 T1110"
  strings:
    $busybox = "/bin/busybox"
    $telnet1 = "enable\x00"
    $telnet2 = "system\x00"
    $kill = "/proc/net/tcp"
    $watchdog1 = "/dev/watchdog"
    $watchdog2 = "/dev/misc/watchdog"
    $exe = "/proc/self/exe"
    $flood1 = /(UDP|TCP|SYN|ACK|HTTP|VSE|STD|STOMP|GRE)\s?(FLOOD|PLAIN|HEX|BYPASS)/ nocase
    $flood2 = "TSource Engine Query"
    $agent = "M-SEARCH * HTTP/1.1"
    $soap = "POST /ctrlt/DeviceUpgrade_1"
    $gpon = "/GponForm/diag_Form"
    $arch1 = /\.(mips|mpsl|arm7|sh4|m68k|ppc|spc)\x00/
    $tftp = /(tftp|wget)\s[^\x00]{0,120}chmod\s(777|\+x)/
  condition:
    is_elf and filesize < 3MB and 3 of ($busybox, $watchdog1, $watchdog2, $flood1, $flood2, $soap, $gpon, $arch1, $tftp, $agent) and 1 of ($flood*, $soap, $gpon, $tftp, $watchdog*) and 1 of ($kill, $exe, $telnet*, $arch1, $tftp, $busybox)
}

rule botnet_irc_script {
  meta:
    level = "critical"
    zh = "听 IRC 指挥的脚本"
    en = "a script that takes orders over IRC"
    attack = "T1071.001 T1498"
  strings:
    $perl = "IO::Socket"
    $join = /JOIN\s[^\n]{0,40}[#$]/
    $nick = "NICK "
    $privmsg = "PRIVMSG"
    $ping = /PING\s?:?/
    $flood = /(udp|tcp|http)flood/ nocase
    $shell = /(back|reverse|connect)_?(shell|back)/ nocase
    $exec = /(system|exec|open\(|qx\{)[^\n]{0,40}\$/
    $name = /\$0\s{0,2}=\s{0,2}["'`]/
  condition:
    filesize < 512KB and $perl and $nick and $privmsg and ($join or $ping) and $exec and 1 of ($flood, $shell, $name)
}
