// The tasks: the gateway's list and those sent from this browser, followed while the page is open.

import { byID, setText, show } from './dom.js';
import { count } from './format.js';
import { TaskCard } from './task-card.js';

/** Milliseconds between two looks at what changes by itself, at the list, and at tasks that have ended. */
const liveEvery = 2000;
const listEvery = 10_000;
const endedEvery = 30_000;
/** So many calls at once: uploads need the browser's other connections. */
const lanes = 2;
const pageSize = 20;

/** Tells of trouble, and of its end, by the event `state` whose detail is an error or null. */
export class TaskList extends EventTarget {
  /**
   * @param {Node} node
   * @param {KnownTasks} known
   * @param {OptionPanel} options  of the form, for restarts and to be set from a task
   */
  constructor(node, known, options) {
    super();
    this.node = node;
    this.known = known;
    this.options = options;
    this.ids = [];
    this.cards = new Map();
    this.limit = pageSize;
    this.listedAt = -Infinity;
    this.search = byID('task-search');
    this.search.addEventListener('input', () => this.#arrange());
    byID('only-mine').addEventListener('change', () => this.#changed());
    byID('more-tasks').addEventListener('click', () => {
      this.limit += pageSize;
      this.#changed();
    });
  }

  /** Follows the tasks until the page goes. */
  async follow() {
    for (;;) {
      await this.#look();
      await this.#pause();
    }
  }

  /** Looks at once, also for new tasks. */
  refresh() {
    this.listedAt = -Infinity;
    this.#wake?.();
  }

  /** Another token sees other tasks. */
  forget() {
    this.ids = [];
    this.cards.clear();
    byID('task-list').replaceChildren();
    this.refresh();
  }

  /** A task that was just sent, opened so that its console is seen. */
  async add(uuid) {
    this.known.add(uuid);
    if (!this.ids.includes(uuid)) this.ids.unshift(uuid);
    const card = this.#card(uuid);
    this.#arrange();
    card.toggle(true);
    this.refresh();
    return card;
  }

  #wake = null;

  #pause() {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, liveEvery);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async #look() {
    try {
      const now = performance.now();
      if (now - this.listedAt >= listEvery) {
        await this.#list();
        this.listedAt = now;
      }
      await this.#readCards(now);
      this.#tell(null);
    } catch (error) {
      this.#tell(error);
    }
    this.#arrange();
  }

  #tell(error) {
    this.dispatchEvent(new CustomEvent('state', { detail: error }));
  }

  async #list() {
    // In the order of commits; the newest is looked for first.
    const listed = (await this.node.list()).reverse();
    const seen = new Set(listed);
    this.ids = [...this.known.ids.filter((id) => !seen.has(id)), ...listed];
  }

  get #shown() {
    const ids = byID('only-mine').checked ? this.ids.filter((id) => this.known.has(id)) : this.ids;
    return ids.slice(0, this.limit);
  }

  async #readCards(now) {
    const due = this.#shown.map((id) => this.#card(id))
      .filter((card) => card.isLive || now - card.readAt >= endedEvery);
    let trouble = null;
    const lane = async () => {
      for (let card = due.shift(); card && !trouble; card = due.shift()) {
        try {
          await card.read();
        } catch (error) {
          if (error.kind === 'refused') this.#drop(card);
          else trouble = error;
        }
      }
    };
    await Promise.all(Array.from({ length: lanes }, lane));
    if (trouble) throw trouble;
  }

  #card(uuid) {
    const known = this.cards.get(uuid);
    if (known) return known;
    const card = new TaskCard(this.node, uuid, () => this.options.json);
    card.addEventListener('changed', () => this.refresh());
    card.addEventListener('trouble', (event) => this.#tell(event.detail));
    card.addEventListener('options', (event) => this.dispatchEvent(new CustomEvent('options', { detail: event.detail })));
    card.addEventListener('removed', () => {
      this.known.remove(uuid);
      this.#drop(card);
      this.#arrange();
      byID('tasks-title').focus();
    });
    this.cards.set(uuid, card);
    return card;
  }

  /** A task that the gateway doesn't know, or doesn't show to this token. */
  #drop(card) {
    this.ids = this.ids.filter((id) => id !== card.uuid);
    this.cards.delete(card.uuid);
    card.element.remove();
  }

  #changed() {
    this.#arrange();
    this.#wake?.();
  }

  /** Brings the elements into the list's order; one that is in its place isn't moved, so that it keeps the focus. */
  #arrange() {
    const words = this.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const list = byID('task-list');
    const shown = this.#shown.map((id) => this.#card(id)).filter((card) => card.info);
    const wanted = new Set(shown.map((card) => card.element));
    for (const element of [...list.children]) if (!wanted.has(element)) element.remove();
    shown.forEach((card, place) => {
      if (list.children[place] !== card.element) list.insertBefore(card.element, list.children[place] ?? null);
      show(card.element, card.matches(words));
    });
    this.#note(shown, words);
  }

  #note(shown, words) {
    const found = shown.filter((card) => !card.element.hidden).length;
    const total = byID('only-mine').checked ? this.ids.filter((id) => this.known.has(id)).length : this.ids.length;
    const others = this.ids.some((id) => !this.known.has(id));
    show(byID('only-mine-label'), (others && this.ids.some((id) => this.known.has(id))) || byID('only-mine').checked);
    show(byID('task-tools'), this.ids.length > 1);
    show(byID('no-tasks'), this.listedAt > -Infinity && total === 0);
    show(byID('more-tasks'), total > this.limit);
    const hint = words.length > 0 ? `${count(found, 'task')} found among the ${shown.length} shown.` : `${count(total, 'task')}.`;
    setText(byID('task-count'), this.ids.length > 1 ? hint : '');
  }
}
