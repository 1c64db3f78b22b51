// A task's console: its end, and what comes.

import { h } from './tree.js';
import { heading } from './parts.js';
import { segment } from './api.js';

/** Lines that are kept: more would make the page slow, and the client downloads the whole log. */
const KEPT = 2000;
const NEAR = 40;
/** After the end of a task its last lines may come a little later: it is asked so many times more for them. */
const TRIES = 5;

export class TaskOutput {
  #lines = [];
  #next = 0;
  #isThere = true;
  #triesLeft = TRIES;
  #isFollowing = true;
  #isReading = false;

  constructor(api, uuid, changed) {
    this.api = api;
    this.uuid = uuid;
    this.changed = changed;
  }

  /** Reads what is new. `isFinal`: hardly anything comes any more. */
  async read(isFinal) {
    if (this.#isReading || !this.#isThere || (isFinal && this.#triesLeft === 0)) return;
    this.#isReading = true;
    try {
      while (await this.#readOn(isFinal)) this.changed();
    } finally {
      this.#isReading = false;
    }
  }

  /** Returns whether there may be more at once. */
  async #readOn(isFinal) {
    const answer = await this.api.getIfThere(`api/tasks/${segment(this.uuid)}/output`, { line: this.#next || -KEPT });
    this.#isThere = answer !== null;
    if (!this.#isThere) return false;
    const { lines, next } = answer;
    this.#triesLeft = isFinal && lines.length === 0 ? this.#triesLeft - 1 : TRIES;
    if (next < this.#next) {
      // A restart began the console anew.
      [this.#lines, this.#next] = [[], 0];
      return true;
    }
    this.#lines = [...this.#lines, ...lines].slice(-KEPT);
    this.#next = next;
    return lines.length > 0;
  }

  render() {
    if (!this.#isThere) return null;
    const skipped = this.#next - this.#lines.length;
    return h('section', { 'aria-label': 'Its output' }, heading('Its output'),
      skipped > 0 && h('p.quiet', null, `The last ${this.#lines.length} of ${this.#next} lines`),
      h('pre.output', { id: 'output', tabindex: '0', role: 'log', 'aria-label': 'Console output', 'aria-live': 'off' },
        this.#lines.length > 0 ? this.#lines.join('\n') : 'It has written nothing yet.'));
  }

  /** Goes along with the end, unless the reader has scrolled up. */
  drawn() {
    const box = document.getElementById('output');
    if (!box) return;
    if (!box.onscroll) box.onscroll = () => { this.#isFollowing = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR; };
    if (this.#isFollowing) box.scrollTop = box.scrollHeight;
  }
}
