// Back doors as programs. Own writing.

private rule is_elf { condition: uint32(0) == 0x464c457f }

rule backdoor_reverse_shell_program {
  meta:
    level = "critical"
    zh = "反弹 shell 程序"
    en = "a program that hands a shell to another machine"
    attack = "T1059.004 T1571"
  strings:
    // connect, dup2 and execve called straight after each other by number, as small hand-made programs do on x86-64
    $connect = { 6a 2a 58 [0-12] 0f 05 }
    $dup = { 6a 21 58 [0-8] 0f 05 }
    $execve = { 6a 3b 58 [0-24] 0f 05 }
    $sh1 = "/bin/sh"
    $sh2 = { 2f 62 69 6e 2f 2f 73 68 }
    $sh3 = { 48 bb 2f 62 69 6e 2f 73 68 00 }
  condition:
    is_elf and filesize < 64KB and $connect and ($dup or $execve) and ($execve or 1 of ($sh*))
}

rule backdoor_shell_relay_program {
  meta:
    level = "high"
    zh = "带口令的反弹或监听 shell 程序"
    en = "a program that listens or connects out and gives a shell"
    attack = "T1059.004 T1571"
  strings:
    $dup = "dup2" fullword
    $connect = "connect" fullword
    $listen = "listen" fullword
    $accept = "accept" fullword
    $exec1 = "execve" fullword
    $exec2 = "execl" fullword
    $exec3 = "execlp" fullword
    $sh1 = "/bin/sh\x00"
    $sh2 = "/bin/bash\x00"
    $history = "HISTFILE=/dev/null"
    $unset = "unset HISTFILE"
    $noprofile = "--noprofile"
    $prctl = "prctl" fullword
    $kthread = /\[(kworker|kthreadd|ksoftirqd|migration)[^\]\x00]{0,12}\]/
  condition:
    is_elf and filesize < 2MB and $dup and 1 of ($exec*) and 1 of ($sh*) and ($connect or ($listen and $accept)) and (1 of ($history, $unset) or $kthread or ($prctl and $noprofile))
}

rule packed_altered_upx {
  meta:
    level = "high"
    zh = "用 UPX 加壳后又改掉标记的程序，为了不让人解开"
    en = "a program packed by UPX whose marks were altered so that it cannot be unpacked"
    attack = "T1027.002"
  strings:
    $mark = "UPX!"
    $said1 = "$Info: This file is packed with the UPX executable packer"
    $said2 = "UPX Team. All Rights Reserved"
    $prot = "PROT_EXEC|PROT_WRITE failed."
  condition:
    is_elf and ($prot or 1 of ($said*)) and #mark < 2 and not ($said1 and $said2 and $mark)
}
