import { byId, reducedMotion } from './dom.js';
import { clock } from './format.js';
import { HEIGHT, paintAttempts, paintAxis, paintBands, paintLives, paintMarks, paintRetry } from './tape-paint.js';
import type { TapeModel } from './tape-model.js';

/** How the tape maps time to pixels; `now` stands still and the recording moves past it. */
export interface View {
  context: CanvasRenderingContext2D;
  colours: Colours;
  width: number;
  /** Where the lanes begin; their names are left of it. */
  left: number;
  nowX: number;
  now: number;
  x(time: number): number;
  /** Milliseconds shown right of now. */
  ahead: number;
  /** 0…1, how far the latest hand-over has been drawn. */
  handed: number;
}

export type Colours = Record<(typeof COLOURS)[number], string>;

const COLOURS = ['ink', 'muted', 'line', 'panel', 'live', 'live-soft', 'on-live', 'wait', 'bad', 'bad-soft'] as const;
const HAND_OVER = 700;
const FRAME = 1000 / 30;

/** The strip chart: token lives, refreshes and requests on one moving time axis. */
export class Tape {
  private readonly canvas = byId('tape', HTMLCanvasElement);
  private readonly context = this.canvas.getContext('2d');
  private colours: Colours | undefined;
  private life = 60_000;
  private painted = 0;

  constructor(private readonly model: TapeModel) {
    new ResizeObserver(() => this.paint()).observe(this.canvas);
    this.run();
  }

  /** Colours come from the style sheet; call when the theme has changed. */
  recolour(): void {
    this.colours = undefined;
    this.paint();
  }

  /** A sentence for those who do not see the canvas. */
  describe(text: string): void {
    if (this.canvas.getAttribute('aria-label') !== text) this.canvas.setAttribute('aria-label', text);
  }

  private run(): void {
    if (reducedMotion.matches) {
      this.paint();
      setTimeout(() => this.run(), 1000);
    } else {
      requestAnimationFrame((time) => {
        if (time - this.painted >= FRAME - 4) {
          this.painted = time;
          this.paint();
        }
        this.run();
      });
    }
  }

  private paint(): void {
    const { canvas, context, model } = this;
    const width = canvas.clientWidth;
    if (!context || width === 0) return;
    const ratio = devicePixelRatio;
    if (canvas.width !== Math.round(width * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(HEIGHT * ratio);
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, HEIGHT);
    const view = this.view(context, width);
    paintAxis(view);
    paintBands(view, model.recording.bands);
    paintMarks(view, model.recording.marks);
    paintAttempts(view, model.recording.attempts);
    paintRetry(view, model.retryAt);
    paintLives(view, model.recording.lives, model.refreshAt, clock);
  }

  private view(context: CanvasRenderingContext2D, width: number): View {
    const now = Date.now();
    const last = this.model.recording.lives.at(-1);
    if (last?.until) this.life = Math.max(5_000, last.until - last.from);
    const left = width < 640 ? 0 : 84;
    const nowX = Math.round(left + (width - left) * 0.58);
    const ahead = this.life * 1.12;
    const scale = (width - nowX) / ahead;
    const since = last ? now - last.from : HAND_OVER;
    this.colours ??= readColours(this.canvas);
    return {
      context,
      colours: this.colours,
      width,
      left,
      nowX,
      now,
      x: (time) => nowX + (time - now) * scale,
      ahead,
      handed: reducedMotion.matches || since >= HAND_OVER ? 1 : easeOut(Math.max(0, since) / HAND_OVER),
    };
  }
}

function readColours(element: Element): Colours {
  const style = getComputedStyle(element);
  return Object.fromEntries(COLOURS.map((name) => [name, style.getPropertyValue(`--${name}`)])) as Colours;
}

function easeOut(part: number): number {
  return 1 - (1 - part) ** 3;
}
