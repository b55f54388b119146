import { byId } from './dom.js';

const KEY = 'evertoken-demo.theme';
const systemDark = matchMedia('(prefers-color-scheme: dark)');

/** The button names the theme it leads to. `changed` runs after the colours have changed. */
export function startTheme(changed: () => void): void {
  const button = byId('theme', HTMLButtonElement);
  const show = (): void => {
    button.textContent = isDark() ? 'Light theme' : 'Dark theme';
    changed();
  };
  button.addEventListener('click', () => {
    const theme = isDark() ? 'light' : 'dark';
    document.documentElement.dataset.theme = theme;
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // Denied storage: the choice holds until the page is left.
    }
    show();
  });
  systemDark.addEventListener('change', show);
  show();
}

function isDark(): boolean {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === 'dark' : systemDark.matches;
}
