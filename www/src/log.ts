import { byId, make, setText } from './dom.js';
import { ago } from './format.js';
import { isRecord, Saved } from './saved.js';

export type Kind = 'refresh' | 'request' | 'session' | 'trouble';
export type Tone = 'bad' | 'good' | 'plain' | 'wait';

export interface Entry {
  /** Unix milliseconds. */
  at: number;
  kind: Kind;
  tone: Tone;
  /** What happened, as the manager or the page calls it. */
  name: string;
  text: string;
}

const KINDS: Record<Kind, string> = { session: 'Session', refresh: 'Refresh', request: 'Requests', trouble: 'Trouble' };
const KEPT = 250;

/** The event log, newest first. Holds no token, so it may survive a reload in sessionStorage. */
export class Log {
  private readonly list = byId('log', HTMLOListElement);
  private readonly saved = new Saved<Entry[]>(() => sessionStorage, 'evertoken-demo.log');
  private readonly entries: Entry[] = this.saved.read(isEntries) ?? [];
  private readonly hidden = new Set<Kind>();

  constructor() {
    this.entries.forEach((entry) => this.list.prepend(this.row(entry)));
    this.filters();
    byId('clear-log', HTMLButtonElement).addEventListener('click', () => {
      this.entries.length = 0;
      this.list.replaceChildren();
      this.saved.write(this.entries);
    });
    setInterval(() => this.tick(), 1000);
  }

  get isEmpty(): boolean {
    return this.entries.length === 0;
  }

  add(kind: Kind, tone: Tone, name: string, text: string): void {
    const entry = { at: Date.now(), kind, tone, name, text };
    this.entries.push(entry);
    this.list.prepend(this.row(entry));
    if (this.entries.length > KEPT) {
      this.entries.shift();
      this.list.lastElementChild?.remove();
    }
    this.saved.write(this.entries);
  }

  private row(entry: Entry): HTMLLIElement {
    const time = make('time', '', ago(Date.now() - entry.at));
    time.dateTime = new Date(entry.at).toISOString();
    time.title = new Date(entry.at).toLocaleTimeString();
    const row = make('li', '', time, make('span', 'event', entry.name), make('span', 'what', entry.text));
    row.dataset.kind = entry.kind;
    row.dataset.tone = entry.tone;
    row.hidden = this.hidden.has(entry.kind);
    return row;
  }

  private filters(): void {
    const group = byId('filters', HTMLDivElement);
    for (const kind of Object.keys(KINDS) as Kind[]) {
      const button = make('button', 'filter', KINDS[kind]);
      button.type = 'button';
      button.setAttribute('aria-pressed', 'true');
      button.addEventListener('click', () => {
        const show = this.hidden.delete(kind);
        if (!show) this.hidden.add(kind);
        button.setAttribute('aria-pressed', String(show));
        for (const row of this.rows()) row.hidden = this.hidden.has(row.dataset.kind as Kind);
      });
      group.append(button);
    }
  }

  private tick(): void {
    const now = Date.now();
    for (const row of this.rows()) {
      const time = row.firstElementChild;
      if (time instanceof HTMLTimeElement) setText(time, ago(now - Date.parse(time.dateTime)));
    }
  }

  private rows(): HTMLLIElement[] {
    return [...this.list.querySelectorAll('li')];
  }
}

function isEntries(value: unknown): value is Entry[] {
  return (
    Array.isArray(value) &&
    value.every(
      (entry) => isRecord(entry) && typeof entry.at === 'number' && typeof entry.name === 'string' && String(entry.kind) in KINDS,
    )
  );
}
