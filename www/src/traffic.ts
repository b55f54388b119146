import { isTokenError, type TokenManager } from 'evertoken';
import type { Counters } from './counters.js';
import type { TapeModel } from './tape-model.js';

/** What a caller of `auth.fetch` got, and after how many milliseconds. */
export interface Answer {
  /** Absent when the promise was rejected. */
  status: number | undefined;
  /** The error's code or name when it was. */
  error: string | undefined;
  wait: number;
}

const STEADY = 1000;

/** Sends the page's requests, all through `auth.fetch`. */
export class Traffic {
  private n = Date.now();
  private steady: ReturnType<typeof setInterval> | undefined;

  constructor(
    private readonly manager: () => TokenManager,
    private readonly model: TapeModel,
    private readonly counters: Counters,
  ) {}

  async ask(): Promise<Answer> {
    const n = this.n++;
    const started = performance.now();
    let status: number | undefined;
    let error: string | undefined;
    try {
      const response = await this.manager().fetch(`/api/me?n=${n}`);
      // Unread bodies would hold the browser's few connections.
      await response.arrayBuffer();
      status = response.status;
    } catch (thrown) {
      error = isTokenError(thrown) ? thrown.code : thrown instanceof Error ? thrown.name : 'unknown';
    }
    const wait = performance.now() - started;
    if (this.model.mark({ n, at: Date.now(), outcome: status === 200 ? 'ok' : 'failed' })) this.counters.recovered();
    this.counters.answered(status, wait);
    return { status, error, wait };
  }

  get isSteady(): boolean {
    return this.steady !== undefined;
  }

  /** One request per second until stopped. */
  setSteady(on: boolean): void {
    clearInterval(this.steady);
    this.steady = on ? setInterval(() => void this.ask(), STEADY) : undefined;
  }

  /** Requests at this interval until `end` settles; resolves with every answer. */
  async during(end: Promise<unknown>, interval: number): Promise<Answer[]> {
    const answers: Promise<Answer>[] = [];
    const timer = setInterval(() => answers.push(this.ask()), interval);
    try {
      await end;
    } finally {
      clearInterval(timer);
    }
    return Promise.all(answers);
  }
}
