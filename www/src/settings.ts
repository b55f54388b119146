import { isRecord, Saved } from './saved.js';

/** What the visitor chose in the sign-in form; kept, because a reload must build the same manager. */
export interface Settings {
  /** Seconds the server gives an access token. */
  lifetime: number;
  store: 'local' | 'memory' | 'session';
  /** Where the refresh token travels. */
  mode: 'body' | 'cookie';
}

const saved = new Saved<Settings>(() => localStorage, 'evertoken-demo.settings');

export function loadSettings(): Settings {
  return saved.read(isSettings) ?? { lifetime: 60, store: 'local', mode: 'body' };
}

export function saveSettings(settings: Settings): void {
  saved.write(settings);
}

function isSettings(value: unknown): value is Settings {
  return (
    isRecord(value) &&
    typeof value.lifetime === 'number' &&
    ['local', 'memory', 'session'].includes(String(value.store)) &&
    ['body', 'cookie'].includes(String(value.mode))
  );
}
