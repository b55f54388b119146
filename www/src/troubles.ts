import { revokeSession } from './api.js';
import { count, plural, took } from './format.js';
import type { Tone } from './log.js';
import { answered, sleep, type Scene } from './scene.js';
import { asSignIn, tampered } from './session.js';
import type { Answer } from './traffic.js';

export interface Outcome {
  tone: Tone;
  text: string;
}

export interface Trouble {
  id: string;
  title: string;
  /** One line: what pressing it shows. */
  shows: string;
  /** Two sentences: what happened and why it ended well. */
  story: string;
  run(scene: Scene): Promise<Outcome>;
}

const BURST = 1000;
const OUTAGE = 10;
const PATIENCE = 45_000;
/** What the token at hand must still have to last through a trouble; where tokens live shorter, a new one must do. */
const LONG = 45_000;
const SHORT = 10_000;

export const TROUBLES: Trouble[] = [
  {
    id: 'burst',
    title: 'Burst on an expired token',
    shows: `${count(BURST)} requests at once, just after the server stopped accepting the token.`,
    story:
      'The first 401 started one refresh and every other request joined it or, when its 401 came later, was simply sent again with the new token. No caller saw a 401, and the server counted one refresh.',
    run: burst,
  },
  {
    id: 'outage',
    title: 'Token endpoint down',
    shows: 'For ten seconds every refresh is answered 503, while requests go on.',
    story:
      'A 503 says nothing about the session, so nothing was deleted and the refresh was tried again with growing pauses. As long as the old token was good it was handed out at once; a failing refresh is no reason to wait.',
    run: outage,
  },
  {
    id: 'limited',
    title: 'Rate limit',
    shows: 'The server answers 429 and asks for five seconds of silence.',
    story:
      'The next try came when the server had said, not a moment earlier, and it was accepted. Requests went on with the token at hand meanwhile.',
    run: limited,
  },
  {
    id: 'offline',
    title: 'Connection lost',
    shows: 'For ten seconds every connection is closed without an answer.',
    story:
      'Requests failed as they do without a network, because repeating them is the app’s decision. The refresh was retried in the background and the session went on when the connection was back.',
    run: offline,
  },
  {
    id: 'slow',
    title: 'Slow refresh',
    shows: 'Twenty requests meet an expired token and a refresh that takes two seconds.',
    story:
      'All twenty waited for the same refresh and then went out with the new token. One slow answer was paid for once, not twenty times.',
    run: slow,
  },
  {
    id: 'lost',
    title: 'Lost answer',
    shows: 'The server rotates the refresh token, and twice the answer never arrives.',
    story:
      'The refresh token may be spent, and nobody can know, so it was soon sent again: a server with a short grace for repeats answers with the same successor. A server without one takes the repeat for theft, and the session ends with a reason that says so.',
    run: lost,
  },
  {
    id: 'tampered',
    title: 'Tampered token',
    shows: 'One character of the signature is flipped, first in a caller’s own header, then in the held token.',
    story:
      'A request that brings its own Authorization header is the caller’s business, so its 401 was passed on untouched. When the held token itself was bad, its 401 led to one refresh and a 200.',
    run: tamper,
  },
  {
    id: 'revoked',
    title: 'Revoke the session',
    shows: 'The server ends it; this is the trouble that should sign you out.',
    story:
      'The 401 led to a refresh, and the token endpoint refused it: only that ends a session. The page was told why, and the tokens are gone from the store.',
    run: revoke,
  },
  {
    id: 'signed-out',
    title: 'Sign out',
    shows: 'Ends the session here at once, and tells the server in the background.',
    story:
      'Signing out never waits for the network and cannot fail by it. The revocation is sent afterwards.',
    run: signOut,
  },
];

async function burst(scene: Scene): Promise<Outcome> {
  await scene.expireQuietly();
  scene.report(`${count(BURST)} requests under way`);
  const before = await scene.ledger();
  const answers = await Promise.all(Array.from({ length: BURST }, () => scene.traffic.ask()));
  const after = await scene.ledger();
  // A slow machine may still be at it when the next token is due.
  const planned = after.planned - before.planned;
  const refreshes = after.refreshes - before.refreshes - planned;
  const ok = answered(answers, 200);
  const besides = planned > 0 ? ` (and ${planned} as planned)` : '';
  return {
    tone: ok === BURST && refreshes === 1 ? 'good' : 'bad',
    text: `${count(ok)} × 200, ${plural(refreshes, 'refresh', 'refreshes')}${besides}${longest(answers)}`,
  };
}

async function outage(scene: Scene): Promise<Outcome> {
  await scene.freshToken(LONG);
  const start = Date.now();
  const fault = { path: '/auth/refresh', times: null, status: 503 };
  const answers = await scene.withFaults('token endpoint: 503', OUTAGE * 1000, [fault], () => {
    scene.provoke();
    return scene.traffic.during(scene.countdown(OUTAGE), 250);
  });
  const failed = (await scene.attemptsSince(start)).filter((attempt) => !attempt.ok).length;
  return kept(scene, answers, plural(failed, 'refresh attempt failed', 'refresh attempts failed'));
}

async function limited(scene: Scene): Promise<Outcome> {
  await scene.freshToken(SHORT);
  const start = Date.now();
  const fault = { path: '/auth/refresh', times: 1, status: 429, retry_after: '5' };
  const end = scene.next(['refreshed', 'sessionEnded'], PATIENCE);
  const answers = await scene.withFaults('Retry-After: 5', 5000, [fault], () => {
    scene.provoke();
    scene.report('waiting as told');
    return scene.traffic.during(end, 250);
  });
  const [refused, retried] = await scene.attemptsSince(start);
  const pause = refused && retried ? `next try after ${took(retried.start - refused.end)}` : 'no second try yet';
  return kept(scene, answers, pause);
}

async function offline(scene: Scene): Promise<Outcome> {
  const start = Date.now();
  const faults = ['/auth', '/api'].map((path) => ({ path, times: null, drop: 'before' as const }));
  const answers = await scene.withFaults('connections dropped', OUTAGE * 1000, faults, () => {
    scene.provoke();
    return scene.traffic.during(scene.countdown(OUTAGE), 500);
  });
  scene.report('back; waiting for the next try');
  if (scene.manager.getSnapshot().nextRetryAt !== undefined) await scene.next(['refreshed', 'sessionEnded'], PATIENCE);
  const attempts = await scene.attemptsSince(start);
  const failed = answers.length - answered(answers, 200);
  const alive = isAlive(scene);
  return {
    tone: alive ? 'good' : 'bad',
    text: `${plural(failed, 'request')} failed meanwhile; back after ${plural(attempts.length, 'refresh attempt')}; ${verdict(alive)}`,
  };
}

async function slow(scene: Scene): Promise<Outcome> {
  await scene.expireQuietly();
  const before = await scene.ledger();
  const fault = { path: '/auth/refresh', times: 1, latency_ms: 2000 };
  const answers = await scene.withFaults('slow refresh', 2000, [fault], () => {
    scene.report('waiting for the slow answer');
    return Promise.all(Array.from({ length: 20 }, () => scene.traffic.ask()));
  });
  const refreshes = (await scene.ledger()).refreshes - before.refreshes;
  return kept(scene, answers, plural(refreshes, 'refresh', 'refreshes') + longest(answers));
}

async function lost(scene: Scene): Promise<Outcome> {
  const before = await scene.ledger();
  // Twice, because some browsers repeat a request by themselves when a connection breaks that was open before.
  const fault = { path: '/auth/refresh', times: 2, drop: 'after' as const };
  const ended = await scene.withFaults('answer lost', 1500, [fault], () => {
    const end = scene.next(['refreshed', 'sessionEnded'], PATIENCE);
    scene.provoke();
    scene.report('sent; no answer will come');
    return end;
  });
  const sent = (await scene.ledger()).refreshes - before.refreshes;
  if (ended === 'refreshed') return { tone: 'good', text: `reached the server ${sent} times, same successor; session kept` };
  if (ended === 'sessionEnded') return { tone: 'wait', text: 'this server has no grace: the session ended' };
  return { tone: 'wait', text: 'no answer yet; the session is kept' };
}

async function tamper(scene: Scene): Promise<Outcome> {
  await scene.freshToken(SHORT);
  const token = await scene.manager.getAccessToken();
  const bad = tampered(token);
  const own = await scene.manager.fetch('/api/me', { headers: { authorization: `Bearer ${bad}` } });
  const before = await scene.ledger();
  const { expiresAt } = scene.manager.getSnapshot();
  const left = Math.max(5, Math.round(((expiresAt ?? 0) - Date.now()) / 1000));
  await scene.manager.setTokens(asSignIn(bad, left), { session: 'same' });
  scene.report('a token this young is not doubted; three seconds');
  await sleep(3000);
  const answer = await scene.traffic.ask();
  const refreshes = (await scene.ledger()).refreshes - before.refreshes;
  const good = own.status === 401 && answer.status === 200 && refreshes === 1;
  return {
    tone: good ? 'good' : 'bad',
    text: `own header: ${own.status}; held token: ${plural(refreshes, 'refresh', 'refreshes')}, then ${answer.status ?? answer.error}`,
  };
}

async function revoke(scene: Scene): Promise<Outcome> {
  await scene.tokenOfAge();
  const end = scene.next(['sessionEnded'], PATIENCE);
  await revokeSession(scene.sid);
  const answer = await scene.traffic.ask();
  const ended = await end;
  return { tone: ended ? 'good' : 'bad', text: `request: ${answer.status ?? answer.error}; ${ended ? 'session ended' : 'session not ended'}` };
}

async function signOut(scene: Scene): Promise<Outcome> {
  await scene.manager.signOut({ revoke: true });
  return { tone: 'good', text: 'signed out' };
}

/** For trouble that neither the session nor a request may feel. */
function kept(scene: Scene, answers: Answer[], more: string): Outcome {
  const alive = isAlive(scene);
  const ok = answered(answers, 200);
  const share = `${count(ok)} of ${plural(answers.length, 'request')} answered 200`;
  return { tone: alive && ok === answers.length ? 'good' : 'bad', text: `${share}; ${more}; ${verdict(alive)}` };
}

function isAlive(scene: Scene): boolean {
  return scene.manager.getSnapshot().state !== 'signedOut';
}

function verdict(alive: boolean): string {
  return `session ${alive ? 'kept' : 'lost'}`;
}

function longest(answers: Answer[]): string {
  return `, longest wait ${took(Math.max(0, ...answers.map((answer) => answer.wait)))}`;
}
