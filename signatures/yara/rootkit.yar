// Libraries and modules that hide. Own writing.

private rule is_elf { condition: uint32(0) == 0x464c457f }

rule rootkit_preloaded_library {
  meta:
    level = "critical"
    zh = "藏文件、进程和连接的预加载库"
    en = "a preloaded library that hides files, processes and connections"
    attack = "T1574.006 T1014"
  strings:
    $next = "dlsym" fullword
    $list1 = "readdir" fullword
    $list2 = "readdir64" fullword
    $open1 = "fopen" fullword
    $open2 = "open64" fullword
    $stat = "__lxstat" fullword
    $unlink = "unlinkat" fullword
    $file = "/etc/ld.so.preload"
    $preload = "ld.so.preload"
    $tcp = "/proc/net/tcp"
    $self = "/proc/self/fd/%d"
    $status = "/proc/%s/stat"
    $comm = "/proc/%d/comm"
    $pam = "pam_authenticate" fullword
    // What a program begins with that is no library.
    $program = /\/lib(64|x32)?\/ld-(linux|musl)/
  condition:
    is_elf and uint16(16) == 3 and filesize < 4MB and not $program in (0..1024) and $next and 1 of ($list*) and (($file or $preload) and 1 of ($tcp, $self, $status, $comm, $pam, $open*, $stat, $unlink) or 2 of ($tcp, $self, $status, $comm))
}

rule rootkit_kernel_module {
  meta:
    level = "critical"
    zh = "藏进程和模块的内核模块"
    en = "a kernel module that hides processes and modules"
    attack = "T1014 T1547.006"
  strings:
    $info = "vermagic="
    $getdents = "getdents" 
    $lookup = "kallsyms_lookup_name"
    $table = "sys_call_table"
    $creds = "prepare_creds"
    $commit = "commit_creds"
    $tcp = "tcp4_seq_show"
    $hide = /hide[_ ](pid|proc|module|file|self|me|tcp)/
    $root = /(give|get|set)[_ ]?root/
    $ftrace = "register_ftrace_function"
  condition:
    is_elf and uint16(16) == 1 and filesize < 2MB and $info and (($getdents and ($lookup or $table or $ftrace)) or ($tcp and ($lookup or $ftrace))) and 1 of ($hide, $root, $commit, $creds)
}
