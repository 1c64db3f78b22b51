// All tasks: search, filter, page by page.

import { h } from './tree.js';
import { number } from './figures.js';
import { problem, progress, table, taskBadge, taskLink, timeAgo, where, why } from './parts.js';
import { Refresher } from './refresher.js';
import { taskStates } from './words.js';

const ROWS = 50;
const TYPING = 300;
const FIELDS = ['search', 'state', 'backend', 'owner'];

export class TasksPage {
  title = 'Tasks';
  error = null;
  #filter;
  #before;
  #page = null;
  #refresher = new Refresher(this);
  #typing = null;

  constructor({ store, changed }, query) {
    this.store = store;
    this.changed = changed;
    this.#filter = Object.fromEntries(FIELDS.map((name) => [name, query.get(name) ?? '']));
    // The cursors of the pages up to this one, so that the way back is known.
    this.#before = query.getAll('after');
  }

  async refresh() {
    this.#page = await this.store.api.get('api/tasks', { ...this.#filter, after: this.#before.at(-1), limit: ROWS });
  }

  /** What is shown changes where it stands; what is new comes in on the first page. */
  event(name, data) {
    if (name !== 'task' || !this.#page) return;
    const isShown = this.#page.tasks.some((task) => task.uuid === data.uuid);
    if (isShown || this.#before.length === 0) this.#refresher.soon();
  }

  close() {
    this.#refresher.close();
    clearTimeout(this.#typing);
  }

  render() {
    return [h('h1', null, 'Tasks'), problem(this), this.#form(), this.#page && this.#list(), this.#pager()];
  }

  #form() {
    const { search, state, backend, owner } = this.#filter;
    const field = (name, label, value) => [
      h('label', { for: name }, label), h('input', { id: name, name, type: 'search', value, autocomplete: 'off' }),
    ];
    return h('form.filters', {
      role: 'search',
      onsubmit: (event) => { event.preventDefault(); this.#read(event.currentTarget); },
      oninput: (event) => {
        const form = event.currentTarget;
        clearTimeout(this.#typing);
        this.#typing = setTimeout(() => this.#read(form), TYPING);
      },
    },
    field('search', 'Name or uuid', search),
    h('label', { for: 'state' }, 'State'),
    h('select', { id: 'state', name: 'state' }, h('option', { value: '' }, 'any'),
      taskStates.map(([value, word]) => h('option', { value, selected: value === state }, word))),
    field('backend', 'Backend', backend), field('owner', 'Owner', owner));
  }

  /** The filter goes into the address, so that it can be kept and sent; the page stays, and with it what is being typed. */
  async #read(form) {
    clearTimeout(this.#typing);
    this.#filter = Object.fromEntries(FIELDS.map((name) => [name, form.elements[name].value.trim()]));
    this.#before = [];
    history.replaceState(null, '', this.#href([]));
    try {
      await this.refresh();
      this.error = null;
    } catch (error) {
      this.error = error.message;
    }
    this.changed();
  }

  #list() {
    return table({
      caption: 'Tasks, the newest first', columns: ['Task', 'State', 'Where', 'Why there', 'Images', 'Owner', 'Submitted'],
      empty: 'No task is like that.',
      rows: this.#page.tasks.map((task) => ({
        key: task.uuid,
        cells: [
          [taskLink(task), h('small.uuid', null, task.uuid)], [taskBadge(task), progress(task)], where(task),
          why(task, this.store), number(task.images), task.owner ?? '–', timeAgo(task.createdAt),
        ],
      })),
    });
  }

  #pager() {
    const next = this.#page?.next;
    return h('nav.pager', { 'aria-label': 'Pages of tasks' },
      this.#before.length > 0 && h('a', { href: this.#href(this.#before.slice(0, -1)) }, 'Newer'),
      this.#before.length > 0 && h('span.quiet', null, `Page ${this.#before.length + 1}`),
      next && h('a', { href: this.#href([...this.#before, next]) }, 'Older'));
  }

  #href(cursors) {
    const query = new URLSearchParams(Object.entries(this.#filter).filter(([, value]) => value));
    for (const cursor of cursors) query.append('after', cursor);
    const text = query.toString();
    return text ? `#/tasks?${text}` : '#/tasks';
  }
}
