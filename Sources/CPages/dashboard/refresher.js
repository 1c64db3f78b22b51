// Asking anew for what a page shows, soon after an event.

const PAUSE = 1000;

/** However many events come, a page asks once a pause at most. */
export class Refresher {
  #page;
  #timer = null;

  /** @param {{refresh: function(): Promise, changed: function()}} page asks for what it shows, and has it drawn */
  constructor(page) {
    this.#page = page;
  }

  /** Asks in a moment. What fails is asked for again at the next event, and by whoever polls. */
  soon() {
    this.#timer ??= setTimeout(async () => {
      this.#timer = null;
      await this.#page.refresh().catch(() => null);
      this.#page.changed();
    }, PAUSE);
  }

  /** The page goes. */
  close() {
    clearTimeout(this.#timer);
    this.#timer = null;
  }
}
