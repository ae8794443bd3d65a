// Tools of attackers: nothing an administrator needs lies about as such. Own writing.

private rule is_elf { condition: uint32(0) == 0x464c457f }

rule tool_tunnel_program {
  meta:
    level = "medium"
    zh = "内网穿透或代理隧道工具"
    en = "a tool that tunnels into the inner network"
    attack = "T1572 T1090"
  strings:
    $frp = "github.com/fatedier/frp"
    $chisel = "github.com/jpillora/chisel"
    $nps = "ehang.io/nps"
    $gost = "github.com/ginuerzh/gost"
    $ligolo = "ligolo" nocase
    $venom = "Venom/node"
    $stowaway = "Stowaway/"
    $rakshasa = "rakshasa"
  condition:
    is_elf and 1 of them
}

rule tool_scanner_program {
  meta:
    level = "high"
    zh = "内网扫描和爆破工具"
    en = "a tool that scans and breaks into the inner network"
    attack = "T1046 T1110"
  strings:
    $fscan = "shadow1ng/fscan"
    $crack = /github\.com\/[\w-]{1,40}\/(fscan|SweetBabyScan|qscan|kscan|Yasso|gogo)/
    $words1 = "[*] WebTitle"
    $words2 = "ms17010" nocase
    $words3 = /(ssh|redis|mysql|mssql|smb|ftp)[^\x00\n]{0,16}(brute|crack)/ nocase
  condition:
    is_elf and (1 of ($fscan, $crack) or ($words2 and $words3 and $words1))
}

rule tool_command_and_control {
  meta:
    level = "critical"
    zh = "远程控制程序（C2）"
    en = "an implant of a command-and-control framework"
    attack = "T1105 T1573"
  strings:
    $sliver = "github.com/bishopfox/sliver"
    $merlin = "github.com/Ne0nd0g/merlin"
    $geacon = /geacon(_pro|_plus)?\/(cmd|packet|config)/
    $supershell = "rssh/internal/client"
    $reverse = "NHAS/reverse_ssh"
    $met1 = "mettle" fullword
    $met2 = "core_channel_open"
    $vshell = "vshell/client"
  condition:
    is_elf and (1 of ($sliver, $merlin, $geacon, $supershell, $reverse, $vshell) or all of ($met*))
}

rule tool_log_cleaner {
  meta:
    level = "high"
    zh = "抹掉登录记录的工具"
    en = "a tool that wipes records of who logged on"
    attack = "T1070.002"
  strings:
    $utmp = "/var/run/utmp"
    $wtmp = "/var/log/wtmp"
    $lastlog = "/var/log/lastlog"
    $btmp = "/var/log/btmp"
    $say1 = /(zapp?ed|wiped|cleaned|erased)[^\x00\n]{0,40}(entry|entries|record|log|user)?/ nocase
    $say2 = /(clean|wipe|zap|erase|remove)[^\x00\n]{0,24}(utmp|wtmp|lastlog|logs)/ nocase
  condition:
    is_elf and filesize < 1MB and $wtmp and ($utmp or $lastlog or $btmp) and $lastlog and 1 of ($say*)
}

rule tool_privilege_exploit {
  meta:
    level = "high"
    zh = "提权攻击程序"
    en = "a program that raises its rights by a flaw of the kernel or of a system program"
    attack = "T1068"
  strings:
    $cow1 = "/proc/self/mem"
    $cow2 = "madvise" fullword
    $pwn1 = "GCONV_PATH=."
    $pwn2 = "pkexec"
    $pipe1 = "F_SETPIPE_SZ"
    $sudo = "sudoedit -s"
    $said1 = /(got|spawning|popping)\s+(a\s+)?(root|#)/ nocase
    $said2 = /exploit(ing|ed)?\b/ nocase
    $passwd = /:0:0:[a-z]{0,12}:\/root:\/bin\/(ba)?sh/
  condition:
    is_elf and filesize < 4MB and (($cow1 and $cow2 and ($passwd or $said1)) or ($pwn1 and $pwn2) or ($sudo and $said2) or ($pipe1 and $said1))
}
