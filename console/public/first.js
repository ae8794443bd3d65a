// Before anything is drawn: language and theme as they were chosen, so that nothing flashes. What cannot be remembered is taken from the system.
(() => {
  const root = document.documentElement;
  let theme = null;
  let lang = null;
  try {
    theme = localStorage.getItem('moat.theme');
    lang = localStorage.getItem('moat.lang');
  } catch {
    // Storage is forbidden here: the system's choice holds.
  }
  const dark = theme === 'dark' || (theme !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
  root.dataset.theme = dark ? 'dark' : 'light';
  root.lang = (lang ?? navigator.language).startsWith('zh') ? 'zh-CN' : 'en';
})();
