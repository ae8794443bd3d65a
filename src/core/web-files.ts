/** Files that a web server hands out or runs first, or that decide how it does: what is defaced, and where visitors are led astray. */

const names = new Set(`index.php index.html index.htm index.shtml index.jsp index.jspx index.asp index.aspx index.cgi index.pl index.py index.js home.html main.html default.php default.html default.htm default.asp default.aspx default.jsp
wp-config.php wp-login.php wp-settings.php wp-load.php wp-blog-header.php configuration.php config.php config.inc.php settings.php local.php database.php .env common.inc.php admin.php login.php api.php app.php application.php init.php global.php
.htaccess .user.ini web.config web.xml robots.txt app.py wsgi.py passenger_wsgi.py server.js app.js`.split(/\s+/));

export const isWebEntry = (name: string): boolean => names.has(name.toLowerCase());

/** Ends of names that servers run. */
const code = /\.(?:php\d?|phtml|phar|inc|jspx?|aspx?|ashx|asmx|cfm|cgi|pl)$/i;

export const isWebCode = (name: string): boolean => code.test(name);

/** Where sites usually lie; judged by the path alone. */
const roots = /^\/(?:var\/www|srv\/(?:www|http)|www\/wwwroot|home\/wwwroot|data\/(?:wwwroot|www)|usr\/share\/nginx\/html|usr\/local\/nginx\/html|opt\/1panel\/.*\/sites)\/|^\/home\/[^/]+\/public_html\/|\/(?:webapps|htdocs|public_html)\//;

export const isBelowWebRoot = (path: string): boolean => roots.test(path);

/** Entry files whose text may be kept beside their digest: those that hold no passwords. */
const told = /^(?:index|home|main|default)\.[a-z]+$|^(?:\.htaccess|\.user\.ini|web\.config|robots\.txt|wp-(?:login|settings|load|blog-header)\.php)$/i;

export const isWebEntryText = (name: string): boolean => told.test(name);
