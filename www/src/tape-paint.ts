import type { View } from './tape.js';
import type { Attempt, Band, Life, Mark } from './tape-model.js';

/** Pixels from the top; the canvas has this height at every width. */
export const HEIGHT = 226;

const BAR = { top: 24, height: 38 };
const TRACE = { top: 76, height: 5, step: 12, rows: 4 };
const REFRESH_Y = 143;
const REQUESTS = { base: 188, height: 30, bin: 4 };
const AXIS_Y = 196;
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300].map((seconds) => seconds * 1000);
const FONT = '11px system-ui, sans-serif';

/** Graticule, time scale, lane names and the pointer of the present. */
export function paintAxis(view: View): void {
  const { context, colours, left, width, nowX, ahead } = view;
  const perMs = (width - nowX) / ahead;
  const step = STEPS.find((candidate) => candidate * perMs >= 62) ?? 600_000;
  context.font = FONT;
  context.textAlign = 'center';
  context.textBaseline = 'alphabetic';
  for (let offset = -Math.floor((nowX - left) / perMs / step) * step; offset < ahead; offset += step) {
    const x = Math.round(nowX + offset * perMs) + 0.5;
    context.fillStyle = colours.line;
    context.fillRect(x - 0.5, BAR.top - 6, 1, AXIS_Y - BAR.top + 6);
    if (offset === 0 || x < left + 16 || x > width - 18) continue;
    context.fillStyle = colours.muted;
    context.fillText(scaleLabel(offset, step), x, AXIS_Y + 18);
  }
  context.fillStyle = colours.line;
  context.fillRect(left, AXIS_Y, width - left, 1);
  context.fillStyle = colours.muted;
  context.textAlign = 'left';
  if (left > 0) {
    context.fillText('token', 0, BAR.top + 23);
    context.fillText('earlier', 0, TRACE.top + 8);
    context.fillText('refresh', 0, REFRESH_Y + 4);
    context.fillText('requests', 0, REQUESTS.base - 2);
  }
}

/** The current token as a bar, the ones before it as traces that step down by one row at each hand-over. */
export function paintLives(view: View, lives: Life[], refreshAt: number | undefined, clock: (ms: number) => string): void {
  const { context, left, width } = view;
  const held = lives.at(-1)?.replaced === undefined;
  context.save();
  context.beginPath();
  context.rect(left, 0, width - left, HEIGHT);
  context.clip();
  lives
    .slice(-TRACE.rows - 1)
    .reverse()
    .forEach((life, index) => {
      const row = held ? index : index + 1;
      if (row > 0) paintTrace(view, life, held ? row - 1 + view.handed : row);
    });
  const current = lives.at(-1);
  if (current && held) paintBar(view, current, refreshAt, clock);
  paintNow(view);
  context.restore();
}

function paintBar(view: View, life: Life, refreshAt: number | undefined, clock: (ms: number) => string): void {
  const { context, colours, nowX, now, x, handed } = view;
  const { top, height } = BAR;
  const from = x(life.from);
  const until = nowX + (x(life.until ?? now) - nowX) * handed;
  const planned = refreshAt === undefined ? until : Math.min(until, x(refreshAt));
  context.fillStyle = colours['live-soft'];
  context.fillRect(from, top, Math.min(nowX, until) - from, height);
  if (until > nowX) {
    context.fillStyle = colours.live;
    context.fillRect(nowX, top, Math.max(0, planned - nowX), height);
    hatch(view, Math.max(nowX, planned), until);
  } else {
    context.strokeStyle = colours.bad;
    context.strokeRect(from + 0.5, top + 0.5, until - from - 1, height - 1);
  }
  paintFlags(view, until, refreshAt, life.until, clock);
  const name = `generation ${life.generation}`;
  const inside = context.measureText(name).width + 24;
  context.textAlign = 'left';
  if (planned - nowX > inside && planned - nowX > nowX - from) {
    context.fillStyle = colours['on-live'];
    context.fillText(name, nowX + 12, top + 23);
  } else if (nowX - from > inside) {
    context.fillStyle = colours.ink;
    context.textAlign = 'right';
    context.fillText(name, nowX - 12, top + 23);
  }
}

/** The lead window: still good, but already to be replaced. */
function hatch(view: View, from: number, until: number): void {
  if (until <= from) return;
  const { context, colours } = view;
  const { top, height } = BAR;
  context.save();
  context.beginPath();
  context.rect(from, top, until - from, height);
  context.clip();
  context.fillStyle = colours['live-soft'];
  context.fillRect(from, top, until - from, height);
  context.strokeStyle = colours.live;
  context.lineWidth = 1.5;
  context.beginPath();
  // Anchored at the right end, so that the lines travel with the bar and do not shimmer.
  for (let x = until + height; x > from - height; x -= 7) {
    context.moveTo(x, top);
    context.lineTo(x - height, top + height);
  }
  context.stroke();
  context.restore();
}

function paintFlags(
  view: View,
  until: number,
  refreshAt: number | undefined,
  expiresAt: number | undefined,
  clock: (ms: number) => string,
): void {
  const { context, colours, nowX, now, x, handed, width, left } = view;
  if (handed < 1 || expiresAt === undefined) return;
  context.font = FONT;
  context.fillStyle = colours.muted;
  if (left > 0 && until > nowX + 32) {
    const text = 'expires';
    const right = Math.min(width - 2, until + context.measureText(text).width / 2);
    context.textAlign = 'right';
    context.fillText(text, right, BAR.top - 9);
  }
  if (refreshAt === undefined || refreshAt < now) return;
  const flag = Math.round(x(refreshAt));
  context.fillStyle = colours.wait;
  context.fillRect(flag - 1, BAR.top - 18, 2, BAR.height + 22);
  context.textAlign = 'left';
  context.fillText(`refresh ${clock(refreshAt - now)}`, flag + 6, BAR.top - 9);
}

/** `row` may lie between two rows while a hand-over is drawn; 0 is the bar's own lane. */
function paintTrace(view: View, life: Life, row: number): void {
  const { context, colours, now, x } = view;
  const shrink = Math.min(1, row);
  const lane = TRACE.top + Math.max(0, row - 1) * TRACE.step;
  const top = BAR.top + (lane - BAR.top) * shrink;
  const height = BAR.height + (TRACE.height - BAR.height) * shrink;
  const replaced = life.replaced ?? now;
  const until = Math.max(replaced, life.until ?? replaced);
  context.globalAlpha = Math.max(0, Math.min(1, TRACE.rows + 1 - row));
  context.fillStyle = colours.live;
  context.fillRect(x(life.from), top, x(replaced) - x(life.from), height);
  context.fillStyle = colours['live-soft'];
  context.fillRect(x(replaced), top, x(until) - x(replaced), height);
  context.globalAlpha = 1;
}

function paintNow(view: View): void {
  const { context, colours, nowX } = view;
  context.fillStyle = colours.ink;
  context.fillRect(nowX, BAR.top - 10, 1, AXIS_Y - BAR.top + 16);
  context.beginPath();
  context.moveTo(nowX - 4.5, BAR.top - 14);
  context.lineTo(nowX + 5.5, BAR.top - 14);
  context.lineTo(nowX + 0.5, BAR.top - 7);
  context.fill();
  context.font = FONT;
  context.textAlign = 'center';
  context.fillText('now', nowX, AXIS_Y + 18);
}

/** Each refresh from request to answer; a cross where it failed. */
export function paintAttempts(view: View, attempts: Attempt[]): void {
  const { context, colours, left, x } = view;
  for (const { start, end, ok } of attempts) {
    const to = x(end);
    if (to < left + 4) continue;
    const from = Math.max(left, x(start));
    context.fillStyle = context.strokeStyle = ok ? colours.live : colours.bad;
    context.fillRect(from, REFRESH_Y - 1, Math.max(1, to - from), 2);
    context.beginPath();
    if (ok) {
      context.arc(to, REFRESH_Y, 4, 0, 2 * Math.PI);
      context.fill();
    } else {
      context.lineWidth = 2;
      context.moveTo(to - 3.5, REFRESH_Y - 3.5);
      context.lineTo(to + 3.5, REFRESH_Y + 3.5);
      context.moveTo(to + 3.5, REFRESH_Y - 3.5);
      context.lineTo(to - 3.5, REFRESH_Y + 3.5);
      context.stroke();
    }
  }
}

/** The next try after a failure, as an open circle ahead of now. */
export function paintRetry(view: View, retryAt: number | undefined): void {
  const { context, colours, now, width, x } = view;
  if (retryAt === undefined || retryAt < now) return;
  context.strokeStyle = colours.wait;
  context.lineWidth = 1.5;
  context.beginPath();
  context.arc(Math.min(width - 6, x(retryAt)), REFRESH_Y, 4, 0, 2 * Math.PI);
  context.stroke();
}

/** Requests as bars whose height grows with the logarithm of their number. */
export function paintMarks(view: View, marks: Mark[]): void {
  const { context, colours, left, x } = view;
  const { base, height, bin } = REQUESTS;
  const bins = new Map<number, { ok: number; recovered: number; failed: number }>();
  for (const { at, outcome } of marks) {
    // Bins are cut in time, not in pixels, so that a bar keeps its content while it moves.
    const slot = Math.floor(at / ((bin * view.ahead) / (view.width - view.nowX)));
    const tally = bins.get(slot) ?? { ok: 0, recovered: 0, failed: 0 };
    tally[outcome] += 1;
    bins.set(slot, tally);
  }
  const slotMs = (bin * view.ahead) / (view.width - view.nowX);
  for (const [slot, tally] of bins) {
    const at = x(slot * slotMs);
    if (at < left) continue;
    const total = tally.ok + tally.recovered + tally.failed;
    const full = Math.min(height, 5 + 3 * Math.log2(total));
    let top = base;
    for (const outcome of ['ok', 'recovered', 'failed'] as const) {
      const part = (full * tally[outcome]) / total;
      top -= part;
      context.fillStyle = { ok: colours.live, recovered: colours.wait, failed: colours.bad }[outcome];
      context.fillRect(at, top, bin - 1, part);
    }
  }
}

export function paintBands(view: View, bands: Band[]): void {
  const { context, colours, left, width, x } = view;
  context.font = FONT;
  context.textAlign = 'left';
  for (const { from, until, label } of bands) {
    const start = Math.max(left, x(from));
    const end = Math.min(width, x(until));
    if (end <= left || start >= width) continue;
    context.fillStyle = colours['bad-soft'];
    context.fillRect(start, TRACE.top - 6, Math.max(2, end - start), AXIS_Y - TRACE.top + 6);
    context.fillStyle = colours.bad;
    context.fillText(label, start + 5, REFRESH_Y - 12);
  }
}

function scaleLabel(offset: number, step: number): string {
  const sign = offset < 0 ? '−' : '+';
  const seconds = Math.abs(offset) / 1000;
  return step < 60_000 ? `${sign}${seconds} s` : `${sign}${seconds / 60} m`;
}
