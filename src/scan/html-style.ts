/** The look of the HTML report. System fonts only: nothing is loaded. */
export const style = `
:root{--back:#f4f5f7;--card:#fff;--ink:#1c2128;--dim:#59636e;--line:#d5dae0;--code:#eef1f4;--critical:#b3001b;--high:#cf3a10;--medium:#8f6000;--low:#1f6a8c;--info:#59636e;--clean:#1a7a3c}
@media (prefers-color-scheme:dark){:root{--back:#14181d;--card:#1d232a;--ink:#e4e8ec;--dim:#9aa5b1;--line:#343d47;--code:#262e37;--critical:#ff6b7d;--high:#ff8b60;--medium:#e3b341;--low:#6fc1e4;--info:#9aa5b1;--clean:#56d37f}}
*{box-sizing:border-box}
body{margin:0;background:var(--back);color:var(--ink);font:15px/1.6 system-ui,-apple-system,"Segoe UI","Noto Sans","PingFang SC","Microsoft YaHei","Noto Sans CJK SC","WenQuanYi Micro Hei",sans-serif;overflow-wrap:anywhere}
header,main,footer{max-width:60rem;margin:0 auto;padding:1rem 1.5rem}
.verdict{max-width:57rem;margin-top:1.5rem;background:var(--card);border:1px solid var(--line);border-left:.5rem solid var(--info);border-radius:.5rem}
.verdict.clean{border-left-color:var(--clean)}.verdict.suspicious{border-left-color:var(--medium)}.verdict.compromised{border-left-color:var(--critical)}
.verdict.clean h1{color:var(--clean)}.verdict.suspicious h1{color:var(--medium)}.verdict.compromised h1{color:var(--critical)}
.product{margin:0;color:var(--dim)}
h1{margin:.2rem 0 .6rem;font-size:1.8rem;line-height:1.3}h2{margin:2rem 0 .8rem;font-size:1.25rem;border-bottom:1px solid var(--line);padding-bottom:.3rem}
h3{margin:0 0 .5rem;font-size:1.1rem}h3 small{font-weight:normal;color:var(--dim);font-size:.9rem}h4{margin:0 0 .4rem;font-size:1rem;line-height:1.5}
time{color:var(--dim);font-weight:normal;font-size:.85rem;white-space:nowrap;margin-left:.4rem}
ul,ol{margin:.3rem 0;padding-left:1.4rem}li{margin:.2rem 0}p{margin:.4rem 0}
.facts{display:grid;grid-template-columns:repeat(5,1fr);gap:.5rem;margin:.5rem 0}
.facts div{background:var(--card);border:1px solid var(--line);border-radius:.4rem;padding:.4rem .7rem}
.facts dt{color:var(--dim);font-size:.8rem}.facts dd{margin:0;font-weight:600;font-variant-numeric:tabular-nums}
.count dd{font-size:1.2rem}.count.critical dd{color:var(--critical)}.count.high dd{color:var(--high)}.count.medium dd{color:var(--medium)}.count.low dd{color:var(--low)}
.story{border:1px solid var(--line);border-radius:.5rem;padding:.9rem 1rem .3rem;margin:0 0 1.2rem;background:var(--back)}
article{background:var(--card);border:1px solid var(--line);border-left:.25rem solid var(--info);border-radius:.4rem;padding:.7rem .9rem;margin:0 0 .7rem}
article.critical{border-left-color:var(--critical)}article.high{border-left-color:var(--high)}article.medium{border-left-color:var(--medium)}article.low{border-left-color:var(--low)}
.badge{display:inline-block;border:1px solid currentColor;border-radius:.3rem;padding:0 .4rem;font-size:.8rem;font-weight:600;line-height:1.5;color:var(--info);vertical-align:.08em}
.badge.critical{background:var(--critical);border-color:var(--critical);color:var(--card)}.badge.high{color:var(--high)}.badge.medium{color:var(--medium)}.badge.low{color:var(--low)}
.evidence{display:grid;grid-template-columns:minmax(6rem,max-content) 1fr;gap:.15rem .9rem;margin:.4rem 0}
.evidence dt{color:var(--dim);max-width:16rem}.evidence dd{margin:0;min-width:0}
code,pre{font:.86rem/1.5 ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono","WenQuanYi Micro Hei Mono",monospace;background:var(--code);border-radius:.25rem}
code{padding:.05rem .25rem}pre{padding:.5rem .7rem;margin:.4rem 0;white-space:pre-wrap}
.dim{color:var(--dim);font-size:.83rem}
.blind li{color:var(--ink)}
.checks{width:100%;border-collapse:collapse;font-size:.86rem}.checks td{border-top:1px solid var(--line);padding:.3rem .6rem .3rem 0;vertical-align:top}.checks td:first-child{width:40%}.checks td:last-child{color:var(--dim)}
footer{color:var(--dim);font-size:.83rem}
@media (max-width:40rem){.facts{grid-template-columns:repeat(2,1fr)}.evidence{grid-template-columns:1fr}.evidence dd{margin-bottom:.3rem}header,main,footer{padding:.8rem}.verdict{margin:.8rem .8rem 0}}
@page{size:A4;margin:15mm}
@media print{:root{--back:#fff;--card:#fff;--ink:#000;--dim:#444;--line:#bbb;--code:#f3f3f3;--critical:#b3001b;--high:#b8330d;--medium:#7a5200;--low:#1f6a8c;--info:#444;--clean:#13602e}
body{font-size:10.5pt}header,main,footer{max-width:none;padding:0}.verdict{max-width:none;padding:.8rem 1rem;margin:0}.facts,.verdict,.evidence,h2,h3,h4,.story>p,tr,pre{break-inside:avoid}h2,h3,h4,.story>p{break-after:avoid}p{orphans:2;widows:2}.story{border:0;padding:0}
.badge.critical{color:#fff;-webkit-print-color-adjust:exact;print-color-adjust:exact}}
`.trim();
