import type { TokenManager } from 'evertoken';
import { addFaults, clearFaults, expireAccess, readLedger, type Fault, type LedgerCount } from './api.js';
import { issuedAt, sessionId } from './session.js';
import type { Attempt, TapeModel } from './tape-model.js';
import type { Answer, Traffic } from './traffic.js';

/** The engine does not refresh again for a token this young, so that trouble with one has to wait. */
const YOUNG = 2_500;
/** Room that a trouble needs before the next planned refresh, which would otherwise be counted with it. */
const ROOM = 4_000;

/** What a trouble may use. */
export class Scene {
  constructor(
    readonly manager: TokenManager,
    readonly traffic: Traffic,
    private readonly model: TapeModel,
    /** Shows how far the trouble has come. */
    readonly report: (text: string) => void,
  ) {}

  get sid(): string {
    return sessionId(this.manager);
  }

  /** Refreshes of this session so far by the server's ledger, and those of them that were planned. */
  async ledger(): Promise<LedgerCount & { planned: number }> {
    return { ...(await readLedger(this.sid)), planned: this.manager.metrics().proactive ?? 0 };
  }

  /** Has the server misbehave while `action` runs, shaded on the tape. */
  async withFaults<T>(label: string, duration: number, faults: Fault[], action: () => Promise<T>): Promise<T> {
    await addFaults(...faults);
    const lift = this.model.shade(label, duration);
    try {
      return await action();
    } finally {
      lift();
      await clearFaults();
    }
  }

  /** Waits for a token of some age with no refresh planned soon, then has the server refuse it. */
  async expireQuietly(): Promise<void> {
    const { refreshAt } = this.manager.getSnapshot();
    if (refreshAt !== undefined && refreshAt - Date.now() < ROOM) {
      this.report('waiting for the planned refresh to pass');
      await this.manager.refresh({ force: true });
    }
    await this.tokenOfAge();
    await expireAccess(this.sid);
  }

  /** Waits until the token at hand is old enough for its 401 to count. */
  async tokenOfAge(): Promise<void> {
    const age = Date.now() - (issuedAt(this.manager) ?? 0);
    // `iat` has whole seconds, so the token may be up to one second younger than it says.
    if (age < YOUNG + 1000) await sleep(YOUNG + 1000 - age);
  }

  /** Sees to it that the token at hand has these milliseconds left, or is new. */
  async freshToken(wanted: number): Promise<void> {
    const { expiresAt } = this.manager.getSnapshot();
    if (expiresAt === undefined || expiresAt - Date.now() >= wanted) return;
    this.report('starting with a new token');
    await this.manager.refresh({ force: true });
  }

  /** Somebody asks for a refresh and does not mind how it ends; the events tell. */
  provoke(): void {
    this.manager.refresh({ force: true }).catch(() => undefined);
  }

  /** Resolves with the first of these events, or `undefined` after the time is over. */
  next(types: readonly ('refreshed' | 'sessionEnded')[], timeout: number): Promise<string | undefined> {
    return new Promise((resolve) => {
      const offs: (() => void)[] = [];
      const finish = (type?: string): void => {
        clearTimeout(timer);
        offs.forEach((off) => off());
        resolve(type);
      };
      const timer = setTimeout(finish, timeout);
      for (const type of types) offs.push(this.manager.on(type, () => finish(type)));
    });
  }

  /** Refresh requests that went over the network since then, once the browser has reported them. */
  async attemptsSince(start: number): Promise<Attempt[]> {
    await sleep(150);
    return this.model.recording.attempts.filter((attempt) => attempt.start >= start);
  }

  countdown(seconds: number): Promise<void> {
    return new Promise((resolve) => {
      let left = seconds;
      const step = (): void => {
        if (left === 0) return resolve();
        this.report(`${left} s`);
        left -= 1;
        setTimeout(step, 1000);
      };
      step();
    });
  }
}

export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

export function answered(answers: Answer[], status: number): number {
  return answers.filter((answer) => answer.status === status).length;
}
