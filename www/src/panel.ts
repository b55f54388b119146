import { byId, setText } from './dom.js';
import { clock } from './format.js';
import type { Snapshot } from './session.js';
import type { Settings } from './settings.js';

const NAMES: Record<Snapshot['state'], string> = {
  restoring: 'restoring',
  signedOut: 'signed out',
  active: 'active',
  stale: 'stale',
  ending: 'ending',
};

/** The readouts above the tape. */
export class Panel {
  private readonly countdown = byId('countdown', HTMLElement);
  private readonly caption = byId('countdown-caption', HTMLElement);
  private readonly state = byId('state', HTMLElement);
  private readonly line = byId('status-line', HTMLElement);
  private readonly generation = byId('generation', HTMLElement);
  private readonly refreshIn = byId('refresh-in', HTMLElement);
  private readonly subject = byId('subject', HTMLElement);

  /** Things that do not change while a session lasts. */
  identify(email: string, settings: Settings): void {
    const where = { local: 'localStorage', memory: 'memory', session: 'sessionStorage' }[settings.store];
    setText(byId('who', HTMLElement), email);
    setText(byId('kept', HTMLElement), settings.mode === 'cookie' ? `${where} + HttpOnly cookie` : where);
  }

  show(snapshot: Snapshot): void {
    const now = Date.now();
    const left = snapshot.expiresAt === undefined ? undefined : snapshot.expiresAt - now;
    setText(this.countdown, left === undefined ? '–:––' : clock(left));
    setText(this.caption, left !== undefined && left <= 0 ? 'this access token has expired' : 'until this access token expires');
    this.countdown.dataset.state = this.state.dataset.state = snapshot.state;
    setText(this.state, NAMES[snapshot.state]);
    setText(this.line, sentence(snapshot, now));
    setText(this.generation, String(snapshot.generation));
    setText(this.refreshIn, nextRefresh(snapshot, now));
    setText(this.subject, snapshot.subject ?? '–');
    if (this.subject.title !== snapshot.subject) this.subject.title = snapshot.subject ?? '';
  }
}

/** The state of things in words. */
export function sentence(snapshot: Snapshot, now: number): string {
  const { state, refreshing, nextRetryAt, expiresAt, refreshAt } = snapshot;
  const retry = nextRetryAt !== undefined && nextRetryAt > now ? ` Next try in ${clock(nextRetryAt - now)}.` : '';
  switch (state) {
    case 'restoring':
      return 'Looking for a session.';
    case 'signedOut':
      return 'Nobody is signed in.';
    case 'ending':
      return 'The server refused the refresh. This token still works until it expires.';
    case 'stale':
      if (refreshing) return 'Expired. A refresh is on its way and requests wait for it.';
      return retry ? `Expired, and the last refresh failed. The session is kept.${retry}` : 'Expired. The next request refreshes it first.';
    case 'active':
      if (refreshing) return 'Fetching the next token. This one still works, so nobody waits.';
      if (retry) return `A refresh failed, but this token still works.${retry}`;
      if (expiresAt === undefined || refreshAt === undefined) return 'The token works.';
      return `The next token is fetched ${clock(expiresAt - refreshAt)} before this one expires.`;
  }
}

function nextRefresh({ refreshing, refreshAt, nextRetryAt }: Snapshot, now: number): string {
  if (refreshing) return 'now';
  const at = nextRetryAt ?? refreshAt;
  return at === undefined ? '–' : clock(at - now);
}
