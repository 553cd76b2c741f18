/** Light or dark as the system has it, until somebody says otherwise; nothing is kept. */

const THEMES = ['', 'light', 'dark'] as const;
const NAMES: Readonly<Record<string, string>> = { '': 'as the system', light: 'light', dark: 'dark' };

export function addThemeButton(): void {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'theme';
  let chosen = 0;
  const show = (): void => {
    const theme = THEMES[chosen] ?? '';
    if (theme === '') delete document.documentElement.dataset['theme'];
    else document.documentElement.dataset['theme'] = theme;
    button.textContent = `Colours: ${NAMES[theme]}`;
  };
  button.addEventListener('click', () => {
    chosen = (chosen + 1) % THEMES.length;
    show();
  });
  show();
  document.querySelector('.top')?.append(button);
}
