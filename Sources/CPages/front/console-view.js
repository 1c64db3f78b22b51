// A task's console, followed by line numbers.

import { el, setText, show } from './dom.js';

/** So many lines are shown; the whole can be saved. */
const shownLines = 3000;

/** The lines that have come so far, and where the next ones begin. */
export class ConsoleView {
  /**
   * @param {string} name  the task's, for people who hear the page
   * @param {function()} save  saves the whole console
   */
  constructor(name, save) {
    this.next = 0;
    this.epoch = null;
    this.lines = [];
    this.text = el('pre', { class: 'console', tabindex: '0', role: 'log', 'aria-live': 'off', 'aria-label': `Console of ${name}` });
    this.note = el('p', { class: 'quiet small', hidden: true });
    this.follow = el('input', { type: 'checkbox', checked: true, onchange: () => this.#scroll() });
    this.text.addEventListener('scroll', () => this.#noteScroll());
    this.element = el('div', { class: 'console-box' },
      el('div', { class: 'row between' }, el('h4', {}, 'Console'),
        el('div', { class: 'row' }, el('label', { class: 'row small' }, this.follow, 'Follow'),
          el('button', { type: 'button', onclick: save }, 'Save as text'))),
      this.note, this.text);
  }

  /**
   * Takes what the task said since the last time.
   * @param {number} epoch  when the task was made or restarted: a restart begins the console anew
   * @param {number} from   the line that was asked for
   * @param {string[]} lines
   * @returns {boolean} false where the console began anew, and has to be read from the start
   */
  take(epoch, from, lines) {
    if (this.epoch !== null && epoch !== this.epoch) {
      this.next = 0;
      this.lines = [];
      this.epoch = epoch;
      this.text.replaceChildren();
      if (from > 0) return false;
    }
    this.epoch = epoch;
    if (from !== this.next || lines.length === 0) return true;
    this.next += lines.length;
    this.lines.push(...lines);
    if (this.lines.length > shownLines) {
      this.lines.splice(0, this.lines.length - shownLines);
      this.text.textContent = this.lines.join('\n') + '\n';
    } else {
      this.text.append(lines.join('\n') + '\n');
    }
    setText(this.note, this.next > shownLines ? `The last ${shownLines} of ${this.next} lines.` : '');
    show(this.note, this.next > shownLines);
    this.#scroll();
    return true;
  }

  #scroll() {
    if (this.follow.checked) this.text.scrollTop = this.text.scrollHeight;
  }

  /** Who scrolls up wants to read, and who is back at the end to follow. */
  #noteScroll() {
    this.follow.checked = this.text.scrollTop + this.text.clientHeight >= this.text.scrollHeight - 4;
  }
}
