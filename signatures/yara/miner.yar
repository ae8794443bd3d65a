// Coin miners, as programs and as what starts them. Own writing.

private rule is_elf { condition: uint32(0) == 0x464c457f }

rule miner_xmrig_program {
  meta:
    level = "critical"
    zh = "挖矿程序（XMRig 一类）"
    en = "a coin miner of the XMRig kind"
    attack = "T1496"
  strings:
    $name = "xmrig" nocase
    $donate = "donate-level"
    $algo1 = "randomx" nocase
    $algo2 = "cryptonight" nocase
    $algo3 = "argon2/chukwa"
    $pool1 = "stratum+tcp://"
    $pool2 = "stratum+ssl://"
    $rpc1 = "mining.subscribe"
    $rpc2 = "\"method\":\"login\""
    $rpc3 = "keepalived"
    $msr = "msr" fullword
    $huge = "huge-pages"
  condition:
    is_elf and ((($name or $donate) and 2 of ($algo*, $pool*, $rpc*, $msr, $huge)) or (1 of ($pool*) and 1 of ($algo*) and 1 of ($rpc*)))
}

rule miner_settings {
  meta:
    level = "high"
    zh = "挖矿程序的设置文件"
    en = "settings of a coin miner"
    attack = "T1496"
  strings:
    $pools = "\"pools\""
    $url = /"url"\s{0,4}:\s{0,4}"(stratum\+(tcp|ssl|tls):\/\/)?[\w.-]{4,100}:\d{2,5}"/
    $donate = "\"donate-level\""
    $coin = /"(algo|coin)"\s{0,4}:/
    $rig = "\"rig-id\""
    $rx = "\"randomx\""
  condition:
    filesize < 64KB and $pools and $url and 2 of ($donate, $coin, $rig, $rx)
}

rule miner_starter_script {
  meta:
    level = "high"
    zh = "下载并启动挖矿程序、清除对手的脚本"
    en = "a script that fetches and starts a coin miner and ends its rivals"
    attack = "T1496 T1059.004"
  strings:
    $shebang = "#!/"
    $pool = /stratum\+(tcp|ssl|tls):\/\/[\w.-]{3,100}/
    $get = /(curl|wget)\s[^\n]{0,200}https?:\/\//
    $kill1 = /pkill\s+-(9|f)[^\n]{0,40}(xmrig|kinsing|kdevtmpfsi|minerd|cryptonight)/
    $kill2 = /(ps|pgrep)[^\n]{0,80}(xmrig|kinsing|kdevtmpfsi|minerd|stratum)[^\n]{0,120}kill/
    $cloud = /(aegis|qcloud|cloudmonitor|YunJing)[^\n]{0,60}(uninstall|stop|remove)/ nocase
    $cron = /crontab\s+-|\/etc\/cron|\/var\/spool\/cron/
    $preload = "/etc/ld.so.preload"
  condition:
    filesize < 512KB and $shebang at 0 and $get and ($pool or 1 of ($kill*) or $cloud) and ($cron or $preload or $pool) and 2 of ($pool, $kill1, $kill2, $cloud, $cron, $preload)
}
