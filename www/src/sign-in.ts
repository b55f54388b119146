import { signIn, type SignIn } from './api.js';
import { byId, setText } from './dom.js';
import { loadSettings, saveSettings, type Settings } from './settings.js';

const HINTS: Record<`${Settings['store']}/${Settings['mode']}`, string> = {
  'local/body': 'Survives a reload and a restart of the browser.',
  'session/body': 'Survives a reload, ends with the tab.',
  'memory/body': 'The safest place; a reload signs you out.',
  'local/cookie': 'Page script never sees the refresh token; a reload needs no refresh.',
  'session/cookie': 'Page script never sees the refresh token; a reload needs no refresh.',
  'memory/cookie': 'Nothing is stored where script can read it; a reload refreshes once by the cookie.',
};

/** The sign-in form. `done` gets the answer and the settings it was asked for with. */
export class SignInForm {
  private readonly form = byId('sign-in', HTMLFormElement);
  private readonly problem = byId('sign-in-problem', HTMLElement);
  private readonly submit = byId('sign-in-submit', HTMLButtonElement);

  constructor(private readonly done: (answer: SignIn, settings: Settings) => Promise<void>) {
    const settings = loadSettings();
    this.choose('lifetime', String(settings.lifetime));
    this.choose('store', settings.store);
    this.choose('mode', settings.mode);
    this.hint();
    this.form.addEventListener('change', () => this.hint());
    this.form.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.send();
    });
  }

  /** Why the last session ended, above the fields; `undefined` takes it away. */
  explain(reason: string | undefined): void {
    const ended = byId('ended', HTMLElement);
    ended.hidden = reason === undefined;
    setText(ended, reason ?? '');
    // Moves the keyboard and the reader to what has changed; the button that was pressed may be gone.
    if (reason !== undefined) ended.focus();
  }

  private async send(): Promise<void> {
    const settings = this.settings();
    setText(this.problem, '');
    this.submit.setAttribute('aria-busy', 'true');
    try {
      const answer = await signIn(byId('email', HTMLInputElement).value, byId('password', HTMLInputElement).value, settings);
      saveSettings(settings);
      await this.done(answer, settings);
    } catch (error) {
      setText(this.problem, error instanceof Error ? error.message : String(error));
    } finally {
      this.submit.removeAttribute('aria-busy');
    }
  }

  private settings(): Settings {
    const data = new FormData(this.form);
    return {
      lifetime: Number(data.get('lifetime')),
      store: data.get('store') as Settings['store'],
      mode: data.get('mode') as Settings['mode'],
    };
  }

  private hint(): void {
    const { store, mode } = this.settings();
    setText(byId('store-hint', HTMLElement), HINTS[`${store}/${mode}`]);
  }

  private choose(name: string, value: string): void {
    const inputs = [...this.form.querySelectorAll<HTMLInputElement>(`input[name="${name}"]`)];
    const input = inputs.find((candidate) => candidate.value === value) ?? inputs[0];
    if (input) input.checked = true;
  }
}
