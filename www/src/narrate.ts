import type { EndReason, TokenEvent } from 'evertoken';
import { clock } from './format.js';
import type { Kind, Tone } from './log.js';

type Issued = Extract<TokenEvent, { type: 'adopted' | 'refreshed' | 'sessionStarted' }>;

/** How an event reads in the log. */
export interface Told {
  kind: Kind;
  tone: Tone;
  text: string;
}

const REASONS: Record<EndReason, string> = {
  refused: 'The server refused to refresh it: it was revoked or has expired there.',
  signed_out: 'You signed out.',
  signed_out_elsewhere: 'It was signed out in another tab.',
  expired: 'The access token expired and there is no way to refresh it.',
  callback: 'The app’s own refresh callback ended it.',
  refresh_response_lost_possible:
    'The answer to a refresh was lost, and the server, without a grace for repeats, took the second try for theft.',
};

/** Why there is no session any more, for the sign-in form. */
export function farewell(reason: EndReason): string {
  return reason === 'signed_out' ? REASONS[reason] : `The session has ended. ${REASONS[reason]}`;
}

export function tell(event: TokenEvent, now: number): Told {
  switch (event.type) {
    case 'sessionStarted':
      return { kind: 'session', tone: 'good', text: token(event, now) };
    case 'refreshed':
      return { kind: 'refresh', tone: 'good', text: token(event, now) };
    case 'adopted':
      return { kind: 'refresh', tone: 'good', text: `${token(event, now)}, from another tab` };
    case 'refreshFailed':
      return { kind: 'refresh', tone: 'bad', text: failure(event, now) };
    case 'retryScheduled':
      return { kind: 'refresh', tone: 'wait', text: `try ${event.attempt} in ${seconds(event.retryAt - now)}` };
    case 'sessionExpiring':
      return { kind: 'session', tone: 'wait', text: 'refused; the access token still works until it expires' };
    case 'sessionEnded':
      return { kind: 'session', tone: event.reason === 'signed_out' ? 'plain' : 'bad', text: REASONS[event.reason] };
    case 'userChanged':
      return { kind: 'session', tone: 'plain', text: 'another user is signed in' };
    case 'persistFailed':
      return { kind: 'session', tone: 'wait', text: 'the store cannot be written; the session lives in memory' };
  }
}

function token({ generation, expiresAt }: Issued, now: number): string {
  return `generation ${generation}${expiresAt === undefined ? '' : `, good for ${clock(expiresAt - now)}`}`;
}

function failure({ error, exhausted, nextRetryAt }: Extract<TokenEvent, { type: 'refreshFailed' }>, now: number): string {
  const next = nextRetryAt === undefined ? '' : `; next in ${seconds(nextRetryAt - now)}`;
  return `${error.message}${exhausted ? '; gave up for now' : ''}${next}`;
}

function seconds(milliseconds: number): string {
  return `${Math.max(0, milliseconds / 1000).toFixed(1)} s`;
}
