// A classic script in the head, so that a chosen theme is set before the first paint.
try {
  const theme = localStorage.getItem('evertoken-demo.theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // Storage may be denied; the system's theme is then the theme.
}
