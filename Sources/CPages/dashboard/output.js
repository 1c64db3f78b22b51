// A task's console: its end, and what comes.

import { h } from './tree.js';
import { heading } from './parts.js';
import { segment } from './api.js';

/** Lines that are kept: more would make the page slow, and the client downloads the whole log. */
const KEPT = 2000;
const NEAR = 40;

export class TaskOutput {
  #lines = [];
  #next = 0;
  #isThere = true;
  #isWhole = false;
  #isFollowing = true;
  #isReading = false;

  constructor(api, uuid, changed) {
    this.api = api;
    this.uuid = uuid;
    this.changed = changed;
  }

  /** Reads what is new. `isFinal`: nothing comes any more once all was read. */
  async read(isFinal) {
    if (this.#isReading || !this.#isThere || (isFinal && this.#isWhole)) return;
    this.#isReading = true;
    try {
      const answer = await this.api.getIfThere(`api/tasks/${segment(this.uuid)}/output`, { line: this.#next || -KEPT });
      if (answer === null) this.#isThere = false;
      else this.#take(answer, isFinal);
    } finally {
      this.#isReading = false;
    }
  }

  #take({ lines, next }, isFinal) {
    // A restart begins the console anew.
    if (next < this.#next) [this.#lines, this.#next] = [[], 0];
    else {
      this.#lines = [...this.#lines, ...lines].slice(-KEPT);
      this.#next = next;
    }
    this.#isWhole = isFinal && lines.length === 0;
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
