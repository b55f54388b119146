import type { Metrics } from 'evertoken';
import { byId, make, setText } from './dom.js';
import { count, took } from './format.js';
import { isRecord, Saved } from './saved.js';
import type { Exchange } from './wire.js';

interface Totals {
  requests: number;
  ok: number;
  /** 401s on the wire, seen by callers or not. */
  refused: number;
  /** Requests answered 200 after a 401 that their caller did not see. */
  recovered: number;
  /** Waits for a refresh by the manager's count, before the last reload. */
  waited: number;
  refreshes: number;
  /** Milliseconds. */
  longest: number;
  /** Milliseconds of the latest successful refreshes. */
  latencies: number[];
}

const NOTHING = { requests: 0, ok: 0, refused: 0, recovered: 0, waited: 0, refreshes: 0, longest: 0 };
const EDGES = [5, 10, 20, 50, 100, 200, 500, 1000, 2000, Infinity];
const ROWS = {
  requests: 'Requests',
  ok: 'Answered 200',
  recovered: '401s recovered',
  refreshes: 'Refreshes',
  waited: 'Waits for a refresh',
  longest: 'Longest wait',
};

/** Totals of this browser tab, and how long refreshes take. */
export class Counters {
  private readonly saved = new Saved<Totals>(() => sessionStorage, 'evertoken-demo.totals');
  readonly totals: Totals = this.saved.read(isTotals) ?? { ...NOTHING, latencies: [] };
  /** Refreshes by the server's ledger. */
  ledger: number | undefined;
  /** The manager counts from its creation, so from the last reload. */
  private metrics: Metrics = {};
  private readonly cells = new Map<keyof typeof ROWS, HTMLElement>();
  private readonly notes = new Map<keyof typeof ROWS, HTMLElement>();
  private readonly bins: HTMLElement[] = [];

  constructor() {
    const list = byId('tally', HTMLDListElement);
    for (const key of Object.keys(ROWS) as (keyof typeof ROWS)[]) {
      const value = make('dd');
      const note = make('dd', 'note');
      value.id = `count-${key}`;
      this.cells.set(key, value);
      this.notes.set(key, note);
      list.append(make('div', '', make('dt', '', ROWS[key]), value, note));
    }
    const holder = byId('bins', HTMLDivElement);
    for (const edge of EDGES) {
      const bar = make('span', 'bin-bar');
      this.bins.push(bar);
      holder.append(make('span', 'bin', bar, make('span', 'bin-edge', edgeLabel(edge))));
    }
    addEventListener('pagehide', () => this.saved.write({ ...this.totals, waited: this.waited }));
    this.show();
  }

  /** A request came back to its caller; no status means that it was rejected. */
  answered(status: number | undefined, wait: number): void {
    const { totals } = this;
    totals.requests += 1;
    if (status === 200) totals.ok += 1;
    totals.longest = Math.max(totals.longest, wait);
  }

  /** A request got its 200 after a 401. */
  recovered(): void {
    this.totals.recovered += 1;
  }

  exchanged({ kind, status, duration }: Exchange): void {
    if (kind === 'api' && status === 401) this.totals.refused += 1;
    if (kind === 'refresh' && status === 200) {
      this.totals.refreshes += 1;
      this.totals.latencies.push(duration);
      if (this.totals.latencies.length > 500) this.totals.latencies.shift();
    }
  }

  /** Starts from nothing, for a new session. */
  reset(): void {
    Object.assign(this.totals, NOTHING, { latencies: [] });
    this.ledger = undefined;
  }

  show(metrics: Metrics = this.metrics): void {
    this.metrics = metrics;
    const { totals } = this;
    this.set('requests', count(totals.requests));
    this.set('ok', count(totals.ok), rate(totals));
    this.set('recovered', count(totals.recovered), `${count(totals.refused)} on the wire`);
    const ledger = this.ledger === undefined ? '' : `server counts ${count(this.ledger)}`;
    this.set('refreshes', count(totals.refreshes), ledger);
    this.set('waited', count(this.waited), this.waited > 0 ? 'shared by callers' : '');
    this.set('longest', totals.longest === 0 ? '–' : took(totals.longest));
    this.histogram();
  }

  private get waited(): number {
    return this.totals.waited + (this.metrics.waited ?? 0);
  }

  private set(key: keyof typeof ROWS, value: string, note = ''): void {
    const cell = this.cells.get(key);
    const below = this.notes.get(key);
    if (cell) setText(cell, value);
    if (below) setText(below, note);
  }

  private histogram(): void {
    const sorted = this.totals.latencies.toSorted((a, b) => a - b);
    const counts = EDGES.map(() => 0);
    for (const latency of sorted) {
      const index = EDGES.findIndex((edge) => latency < edge);
      counts[index] = (counts[index] ?? 0) + 1;
    }
    const most = Math.max(1, ...counts);
    this.bins.forEach((bar, index) => bar.style.setProperty('--part', String((counts[index] ?? 0) / most)));
    if (sorted.length === 0) return;
    const text = `median ${took(quantile(sorted, 0.5))}, max ${took(quantile(sorted, 1))}`;
    setText(byId('latency-summary', HTMLSpanElement), text);
    byId('bins', HTMLDivElement).setAttribute('aria-label', `Refresh latencies of ${sorted.length}: ${text}`);
  }
}

/** By nearest rank. */
function quantile(sorted: number[], part: number): number {
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? 0;
}

function rate({ requests, ok }: Totals): string {
  if (requests === 0) return '';
  return ok === requests ? 'every one' : `${((100 * ok) / requests).toFixed(1)} %`;
}

function edgeLabel(edge: number): string {
  if (edge === Infinity) return '> 2 s';
  return edge < 1000 ? String(edge) : `${edge / 1000} s`;
}

function isTotals(value: unknown): value is Totals {
  return (
    isRecord(value) &&
    Object.keys(NOTHING).every((key) => typeof value[key] === 'number') &&
    Array.isArray(value.latencies)
  );
}
