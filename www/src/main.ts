import type { TokenEvent, TokenManager } from 'evertoken';
import { canMakeTrouble, clearFaults, readLedger, type SignIn } from './api.js';
import { Counters } from './counters.js';
import { byId } from './dom.js';
import { took } from './format.js';
import { Log } from './log.js';
import { farewell, tell } from './narrate.js';
import { Panel, sentence } from './panel.js';
import { isRecord, Saved } from './saved.js';
import { Scene } from './scene.js';
import { issuedAt, openSession, sessionId } from './session.js';
import { loadSettings, type Settings } from './settings.js';
import { SignInForm } from './sign-in.js';
import { Tape } from './tape.js';
import { TapeModel } from './tape-model.js';
import { startTheme } from './theme.js';
import { Traffic } from './traffic.js';
import { TroubleList } from './trouble-list.js';
import { watchWire } from './wire.js';

const TICK = 250;

const log = new Log();
const counters = new Counters();
const panel = new Panel();
const model = new TapeModel();
const tape = new Tape(model);
const who = new Saved<{ email: string }>(() => localStorage, 'evertoken-demo.who');
let settings = loadSettings();
let auth = open(settings);
const traffic = new Traffic(() => auth, model, counters);
const troubles = new TroubleList(log, (report) => new Scene(auth, traffic, model, report));
const form = new SignInForm(signedIn);

startTheme(() => tape.recolour());
watchWire((exchange) => {
  if (model.exchanged(exchange)) counters.recovered();
  counters.exchanged(exchange);
  if (exchange.kind === 'refresh') void askLedger();
});
controls();
setInterval(show, TICK);
show();
reloaded();
void canMakeTrouble().then(async (can) => {
  if (!can) return troubles.disable('This server was started without --faults, so it cannot misbehave.');
  // A reload in the middle of a trouble must not leave the server broken.
  await clearFaults();
});

/** A manager for these settings, with the page listening to it. */
function open(wanted: Settings): TokenManager {
  const manager = openSession(wanted);
  manager.on('*', (event) => heard(manager, event));
  manager.subscribe(show);
  return manager;
}

async function signedIn(answer: SignIn, wanted: Settings): Promise<void> {
  auth.dispose();
  settings = wanted;
  auth = open(wanted);
  counters.reset();
  who.write({ email: answer.user.email });
  await auth.setTokens(answer, { session: 'new' });
  form.explain(undefined);
  show();
  // The form that had the focus is gone.
  byId('instrument-title', HTMLElement).focus();
}

function heard(manager: TokenManager, event: TokenEvent): void {
  const { kind, tone, text } = tell(event, Date.now());
  log.add(kind, tone, event.type, text);
  switch (event.type) {
    case 'sessionStarted':
    case 'refreshed':
    case 'adopted':
      model.begin(event.generation, Date.now(), event.expiresAt);
      break;
    case 'sessionEnded':
      model.end(Date.now());
      traffic.setSteady(false);
      show();
      form.explain(farewell(event.reason));
  }
  if (manager === auth) show();
}

function show(): void {
  const snapshot = auth.getSnapshot();
  const present = snapshot.state !== 'signedOut';
  for (const id of ['instrument', 'trouble', 'sign-out']) byId(id, HTMLElement).hidden = !present;
  byId('welcome', HTMLElement).hidden = present;
  byId('log-panel', HTMLElement).hidden = !present && log.isEmpty;
  model.refreshAt = snapshot.refreshAt;
  model.retryAt = snapshot.nextRetryAt;
  counters.show(auth.metrics());
  byId('steady', HTMLElement).setAttribute('aria-pressed', String(traffic.isSteady));
  if (!present) return;
  panel.identify(who.read(hasEmail)?.email ?? '–', settings);
  panel.show(snapshot);
  tape.describe(`Generation ${snapshot.generation}, ${snapshot.state}. ${sentence(snapshot, Date.now())}`);
}

/** A reload goes on with the stored token; the log says so, because nothing else would. */
function reloaded(): void {
  const { state, generation, expiresAt } = auth.getSnapshot();
  if (state === 'signedOut' || generation === 0) return;
  model.begin(generation, issuedAt(auth) ?? Date.now(), expiresAt);
  log.add('session', 'plain', 'page loaded', `generation ${generation} from the store; no request was needed`);
}

async function askLedger(): Promise<void> {
  const sid = sessionId(auth);
  if (!sid) return;
  try {
    counters.ledger = (await readLedger(sid)).answered;
  } catch {
    // Without the ledger the counter goes without its second opinion.
  }
}

function controls(): void {
  byId('ask-once', HTMLButtonElement).addEventListener('click', async () => {
    const { status, error, wait } = await traffic.ask();
    log.add('request', status === 200 ? 'good' : 'bad', 'GET /api/me', `${status ?? error} after ${took(wait)}`);
  });
  byId('refresh-now', HTMLButtonElement).addEventListener('click', () => {
    // A failure is an event and in the log already.
    auth.refresh({ force: true }).catch(() => undefined);
  });
  byId('steady', HTMLButtonElement).addEventListener('click', () => {
    traffic.setSteady(!traffic.isSteady);
    show();
    log.add('request', 'plain', 'steady traffic', traffic.isSteady ? 'one request per second' : 'stopped');
  });
  byId('sign-out', HTMLButtonElement).addEventListener('click', () => void auth.signOut({ revoke: true }));
  byId('reload', HTMLButtonElement).addEventListener('click', () => location.reload());
}

function hasEmail(value: unknown): value is { email: string } {
  return isRecord(value) && typeof value.email === 'string';
}
