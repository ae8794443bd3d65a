// Ransom notes and what encrypts files. Own writing.

rule ransom_note {
  meta:
    level = "critical"
    zh = "勒索信"
    en = "a ransom note"
    attack = "T1486"
  strings:
    $lost1 = /(your|all)[^\n.]{0,40}files[^\n.]{0,60}(encrypted|locked)/ nocase
    $lost2 = /(files|data|network|databases?)[^\n.]{0,60}(have|has)\s+been\s+(encrypted|locked|stolen)/ nocase
    $lost3 = "文件已被加密"
    $pay1 = "bitcoin" nocase
    $pay2 = "monero" nocase
    $pay3 = /bc1[a-z0-9]{20,60}/
    $pay4 = "比特币"
    $how1 = /[a-z2-7]{56}\.onion/
    $how2 = "tor browser" nocase
    $how3 = /(protonmail|tutanota|onionmail|cock\.li|qtox|session\s+id)/ nocase
    $how4 = /decrypt(or|ion)\s+(tool|key|software|id)/ nocase
    $threat = /(do not|don't)\s+(try|rename|modify|attempt|use third)/ nocase
  condition:
    filesize < 64KB and 1 of ($lost*) and (1 of ($pay*) or 1 of ($how1, $how2, $how3)) and 2 of ($pay*, $how*, $threat)
}

private rule is_elf { condition: uint32(0) == 0x464c457f }

rule ransom_encryptor_program {
  meta:
    level = "critical"
    zh = "加密文件勒索的程序"
    en = "a program that encrypts files for ransom"
    attack = "T1486 T1490"
  strings:
    $note = /(README|RECOVER|RESTORE|DECRYPT|HOW_TO)[A-Za-z_-]{0,30}\.(txt|html)/
    $lost = /\bfiles\b[^\x00\n]{0,60}\b(been|are|were|is)\s+(encrypted|locked)\b/ nocase
    $onion = ".onion"
    $esx1 = "esxcli vm process"
    $esx2 = "vim-cmd vmsvc"
    $ext1 = ".vmdk"
    $ext2 = ".vmsn"
    $key = "BEGIN PUBLIC KEY"
    $walk = "nftw"
    $done = /(total|encrypted)\s+files/ nocase
  condition:
    is_elf and filesize < 20MB and (($note and ($lost or $onion)) or 1 of ($esx*)) and 2 of ($note, $lost, $onion, $esx1, $esx2, $ext1, $ext2, $key, $walk, $done) and 1 of ($lost, $onion, $done, $note)
}
