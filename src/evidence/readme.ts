/** The page that stands first in each archive: how to check it without Moat. */
export const readme = (id: string): string => `Moat evidence archive / Moat 证据存档
${id}

Nothing but tar, sha256sum and openssl is needed to check it / 只用 tar、sha256sum、openssl 即可核验：

  tar -xf ARCHIVE.tar && cd ${id}
  sha256sum -c SHA256SUMS                     # every item / 每个项目
  cksum --check SM3SUMS                       # the same by SM3 (coreutils 9) / 同上，SM3
  openssl pkeyutl -verify -pubin -inkey key.pem -rawin -in manifest.json -sigfile manifest.json.sig
  openssl pkey -pubin -in key.pem -outform DER | sha256sum
      # must be the fingerprint that was told when the evidence was collected / 必须与采集时给出的指纹一致
  sha256sum SHA256SUMS SM3SUMS README.txt     # must be those of "files" in manifest.json / 必须与 manifest.json 的 files 一致

Each entry of the chain of custody / 每条保管记录：
  openssl pkeyutl -verify -pubin -inkey custody/0001.pem -rawin -in custody/0001.json -sigfile custody/0001.json.sig
      # "manifest" is the SHA-256 of manifest.json, "before" that of the entry before / manifest、before 分别是 manifest.json 与上一条记录的 SHA-256

A timestamp, where there is one / 时间戳（如有）：
  openssl ts -verify -data manifest.json -in manifest.json.tsr -CAfile CA.pem

manifest.json says where each item is from, what is not whole ("marks") and what could not be looked at ("missed") with the reason.
manifest.json 记有每个项目的来源、不完整之处（marks）以及未能查看的项目与原因（missed）。
Items named .part00001, .part00002 … are one stream in order: cat NAME.part* > NAME / 按顺序合并即为整体。

With Moat / 用 Moat：moat evidence verify ARCHIVE.tar --key FINGERPRINT
`;
