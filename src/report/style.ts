/** The look of reports. System fonts only: nothing is loaded. On a narrow screen each row of a table becomes a card. */
export const style = `
:root{--back:#f4f5f7;--card:#fff;--ink:#1c2128;--dim:#59636e;--line:#d5dae0;--code:#eef1f4;--bad:#b3001b;--warn:#8f6000;--good:#1a7a3c;--tie:#8a949e;--soft:#fdecee;--way:#e8eef6}
@media (prefers-color-scheme:dark){:root{--back:#14181d;--card:#1d232a;--ink:#e4e8ec;--dim:#9aa5b1;--line:#343d47;--code:#262e37;--bad:#ff6b7d;--warn:#e3b341;--good:#56d37f;--tie:#6b7783;--soft:#3a1f25;--way:#222f40}}
*{box-sizing:border-box}
body{margin:0;background:var(--back);color:var(--ink);font:15px/1.65 system-ui,-apple-system,"Segoe UI","Noto Sans","PingFang SC","Microsoft YaHei","Noto Sans CJK SC","WenQuanYi Micro Hei",sans-serif;overflow-wrap:anywhere}
header,main,footer{max-width:62rem;margin:0 auto;padding:1rem 1.5rem}
header{max-width:59rem;margin-top:1.5rem;background:var(--card);border:1px solid var(--line);border-left:.5rem solid var(--dim);border-radius:.5rem}
header.bad{border-left-color:var(--bad)}header.warn{border-left-color:var(--warn)}header.good{border-left-color:var(--good)}
.product{margin:0;color:var(--dim)}h1{margin:.2rem 0 .7rem;font-size:1.7rem;line-height:1.35}
h2{margin:2.2rem 0 .8rem;font-size:1.25rem;border-bottom:1px solid var(--line);padding-bottom:.3rem}h3{margin:1.2rem 0 .4rem;font-size:1.02rem}
p{margin:.45rem 0}ul,ol{margin:.3rem 0;padding-left:1.5rem}li{margin:.2rem 0}
p.dim,figcaption{color:var(--dim);font-size:.86rem}p.warn{color:var(--warn)}p.bad{color:var(--bad)}p.good{color:var(--good)}
dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(15rem,1fr));gap:.5rem;margin:.6rem 0}
dl div{background:var(--card);border:1px solid var(--line);border-radius:.4rem;padding:.45rem .75rem}dt{color:var(--dim);font-size:.82rem}dd{margin:0;font-weight:600}
dl .bad dd{color:var(--bad)}dl .warn dd{color:var(--warn)}dl .good dd{color:var(--good)}dl .dim dd{color:var(--dim);font-weight:400}
code{font:.86em/1.5 ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono","WenQuanYi Micro Hei Mono",monospace;background:var(--code);border-radius:.25rem;padding:.05rem .25rem;-webkit-box-decoration-break:clone;box-decoration-break:clone}
table{width:100%;border-collapse:collapse;table-layout:fixed;background:var(--card);border:1px solid var(--line);font-size:.88rem;margin:.6rem 0}
th{text-align:left;color:var(--dim);font-weight:600;background:var(--code)}th,td{border-top:1px solid var(--line);padding:.35rem .6rem;vertical-align:top}
figure{margin:.8rem 0;padding:.6rem;background:var(--card);border:1px solid var(--line);border-radius:.4rem}figure svg{display:block;width:100%;height:auto}
svg text{fill:var(--ink);font-family:system-ui,"Segoe UI","Noto Sans","PingFang SC","Microsoft YaHei","Noto Sans CJK SC","WenQuanYi Micro Hei",sans-serif}
svg .small{fill:var(--dim)}svg .head{font-weight:600}svg .box{fill:var(--card);stroke:var(--tie)}svg .alarm{fill:var(--soft);stroke:var(--bad)}svg .way{fill:var(--way);stroke:var(--tie)}svg .effect{fill:var(--code);stroke:var(--line)}svg .tie{fill:none;stroke:var(--tie)}svg .fold{stroke-dasharray:4 3}svg .bone{fill:none;stroke:var(--tie);stroke-width:2}svg .mark{fill:var(--bad)}
footer{color:var(--dim);font-size:.83rem}
@media (max-width:44rem){header,main,footer{padding:.8rem}header{margin:.8rem .8rem 0}h1{font-size:1.35rem}figure{overflow-x:auto}figure svg{min-width:44rem}
table,tbody,tr,td{display:block;width:auto}colgroup,thead{display:none}tr{border-top:1px solid var(--line);padding:.35rem 0}td{border:0;padding:.1rem .6rem}td::before{content:attr(data-head) ": ";color:var(--dim)}td:empty{display:none}}
@page{size:A4;margin:15mm 14mm}
@media print{:root{--back:#fff;--card:#fff;--ink:#000;--dim:#444;--line:#bbb;--code:#f1f2f4;--bad:#a00018;--warn:#7a5200;--good:#13602e;--tie:#777;--soft:#fdecee;--way:#e8eef6}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}body{font-size:10pt}header,main,footer{max-width:none;padding:0}header{padding:.8rem 1rem;margin:0}
header,dl div,figure,tr,h2,h3,li{break-inside:avoid}h2,h3{break-after:avoid}h2{margin-top:1.4rem}thead{display:table-header-group}p{orphans:2;widows:2}dl{grid-template-columns:repeat(3,1fr)}}
`.trim();
