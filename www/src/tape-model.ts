import { isRecord, Saved } from './saved.js';
import type { Exchange } from './wire.js';

/** One access token's life. Times are unix milliseconds. */
export interface Life {
  generation: number;
  from: number;
  /** Expiry; absent when the token does not say. */
  until: number | undefined;
  /** When the next generation took over or the session ended. */
  replaced?: number;
}

/** One request as its caller saw it. */
export interface Mark {
  n: number;
  at: number;
  outcome: 'failed' | 'ok' | 'recovered';
}

export interface Attempt {
  start: number;
  end: number;
  ok: boolean;
}

/** A time during which the server was told to misbehave. */
export interface Band {
  from: number;
  until: number;
  label: string;
}

interface Recording {
  lives: Life[];
  marks: Mark[];
  attempts: Attempt[];
  bands: Band[];
}

const KEPT = { lives: 12, marks: 3000, attempts: 60, bands: 20 };

/** What the tape shows. Survives a reload, so that a reload can be seen to cost nothing. */
export class TapeModel {
  readonly recording: Recording;
  refreshAt: number | undefined;
  retryAt: number | undefined;
  /** Requests that met a 401 and have not come back to their caller. */
  private readonly refused = new Set<number>();
  private readonly saved = new Saved<Recording>(() => sessionStorage, 'evertoken-demo.tape');

  constructor() {
    this.recording = this.saved.read(isRecording) ?? { lives: [], marks: [], attempts: [], bands: [] };
    addEventListener('pagehide', () => this.saved.write(this.recording));
  }

  /** The life in progress. */
  get current(): Life | undefined {
    const last = this.recording.lives.at(-1);
    return last && last.replaced === undefined ? last : undefined;
  }

  /** A token was received, or found after a reload: the same life goes on then. */
  begin(generation: number, from: number, until: number | undefined): void {
    const { current } = this;
    if (current?.generation === generation) {
      current.until = until;
      return;
    }
    if (current) current.replaced = from;
    keep(this.recording.lives, { generation, from, until }, KEPT.lives);
  }

  end(at: number): void {
    if (this.current) this.current.replaced = at;
  }

  /** Whether this request is now known to have got its 200 after a 401. */
  mark(mark: Mark): boolean {
    const recovered = this.refused.delete(mark.n) && mark.outcome === 'ok';
    if (recovered) mark.outcome = 'recovered';
    keep(this.recording.marks, mark, KEPT.marks);
    return recovered;
  }

  /**
   * Whether a request is now known to have got its 200 after a 401: the browser may report the 401 before or after
   * the caller has that answer.
   */
  exchanged({ kind, start, duration, status, n }: Exchange): boolean {
    if (kind === 'refresh') {
      keep(this.recording.attempts, { start, end: start + duration, ok: status === 200 }, KEPT.attempts);
    }
    if (kind === 'refresh' || status !== 401 || n === undefined) return false;
    const mark = this.recording.marks.findLast((candidate) => candidate.n === n);
    if (!mark) this.refused.add(n);
    if (mark?.outcome !== 'ok') return false;
    mark.outcome = 'recovered';
    return true;
  }

  /** Shades the tape from now on; the returned function ends the shade early. */
  shade(label: string, duration: number): () => void {
    const now = Date.now();
    const band = { from: now, until: now + duration, label };
    keep(this.recording.bands, band, KEPT.bands);
    return () => {
      band.until = Math.min(band.until, Date.now());
    };
  }
}

function keep<T>(list: T[], item: T, limit: number): void {
  list.push(item);
  if (list.length > limit) list.splice(0, list.length - limit);
}

function isRecording(value: unknown): value is Recording {
  return isRecord(value) && ['lives', 'marks', 'attempts', 'bands'].every((key) => Array.isArray(value[key]));
}
