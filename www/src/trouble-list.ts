import { byId, make, setText } from './dom.js';
import type { Log } from './log.js';
import type { Scene } from './scene.js';
import { TROUBLES, type Outcome, type Trouble } from './troubles.js';

/** The buttons, one trouble at a time: two faults at once would explain nothing. */
export class TroubleList {
  private running = false;
  private readonly buttons: HTMLButtonElement[] = [];

  constructor(
    private readonly log: Log,
    private readonly scene: (report: (text: string) => void) => Scene,
  ) {
    byId('troubles', HTMLUListElement).append(...TROUBLES.map((trouble) => this.row(trouble)));
  }

  /** Without the server's fault controls there is no trouble to make. */
  disable(why: string): void {
    setText(byId('trouble-aside', HTMLElement), why);
    for (const button of this.buttons) button.disabled = true;
  }

  private row(trouble: Trouble): HTMLLIElement {
    const button = make('button', 'key', make('span', 'lamp'), trouble.title);
    const shows = make('p', 'shows', trouble.shows);
    const result = make('p', 'result');
    const story = make('details', 'story', make('summary', '', 'What happened here'), make('p', '', trouble.story));
    const row = make('li', 'trouble', button, make('div', 'told', shows, result, story));
    story.name = 'story';
    story.hidden = true;
    button.type = 'button';
    button.id = `trouble-${trouble.id}`;
    shows.id = `${button.id}-shows`;
    result.id = `${button.id}-result`;
    button.setAttribute('aria-describedby', shows.id);
    result.setAttribute('aria-live', 'polite');
    button.addEventListener('click', () => void this.press(trouble, row, result, story));
    this.buttons.push(button);
    return row;
  }

  private async press(trouble: Trouble, row: HTMLLIElement, result: HTMLElement, story: HTMLDetailsElement): Promise<void> {
    if (this.running) return;
    this.setRunning(true);
    row.dataset.lamp = 'running';
    setText(result, '…');
    this.log.add('trouble', 'plain', trouble.id, trouble.shows);
    const outcome = await this.attempt(trouble, result);
    row.dataset.lamp = outcome.tone;
    setText(result, outcome.text);
    // The story tells how it ends well. Opening one closes the others: they share a name.
    story.hidden = outcome.tone === 'bad';
    story.open = true;
    this.log.add('trouble', outcome.tone, `${trouble.id}: result`, outcome.text);
    this.setRunning(false);
  }

  private async attempt(trouble: Trouble, result: HTMLElement): Promise<Outcome> {
    try {
      return await trouble.run(this.scene((text) => setText(result, text)));
    } catch (error) {
      return { tone: 'bad', text: error instanceof Error ? error.message : String(error) };
    }
  }

  // Not `disabled`: a disabled button would drop the keyboard's focus.
  private setRunning(running: boolean): void {
    this.running = running;
    for (const button of this.buttons) button.setAttribute('aria-disabled', String(running));
  }
}
