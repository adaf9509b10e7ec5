// Before the first paint, so that the page does not flash in the other theme. theme.ts does the rest.
{
  let theme = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
  try {
    theme = localStorage.getItem('millrace.theme') ?? theme;
  } catch {
    // Without storage the system's theme is used.
  }
  document.documentElement.dataset.theme = theme;
}
