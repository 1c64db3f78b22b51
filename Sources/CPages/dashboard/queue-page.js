// What waits, in the order in which it gets its turn, and where a task would go.

import { h } from './tree.js';
import { milliseconds, number } from './figures.js';
import { count, duration } from './format.js';
import { backendLink, heading, problem, table, taskLink, waitingReason } from './parts.js';
import { Refresher } from './refresher.js';
import { choiceText } from './words.js';

const FIRST = 50;
const MOST = 1000;
const CANDIDATES = 50;

export class QueuePage {
  title = 'Queue';
  error = null;
  #queue = null;
  #limit = FIRST;
  #refresher = new Refresher(this);
  #rank = null;

  constructor({ store, changed }) {
    this.store = store;
    this.changed = changed;
  }

  async refresh() {
    this.#queue = (await this.store.api.getIfThere('api/queue', { limit: this.#limit })) ?? (await this.#fromTasks());
  }

  /** Without a queue of the scheduler's: the waiting tasks, the oldest first. */
  async #fromTasks() {
    const { tasks, next } = await this.store.api.get('api/tasks', { state: 'queued', limit: this.#limit });
    const listed = tasks.reverse().map((task) => ({ ...task, since: task.createdAt, reason: task.why }));
    return { waiting: next ? null : listed.length, tasks: listed };
  }

  event(name, data) {
    if (name !== 'queue' && name !== 'task') return;
    if (name === 'task' && data.state !== 'queued' && !this.#queue?.tasks.some((task) => task.uuid === data.uuid)) return;
    this.#refresher.soon();
  }

  async #again() {
    await this.refresh().catch(() => null);
    this.changed();
  }

  close() {
    this.#refresher.close();
  }

  render() {
    return [h('h1', null, 'Queue'), problem(this), this.#queue && this.#list(), this.#ranking()];
  }

  #showMore() {
    this.#limit = Math.min(MOST, this.#limit * 4);
    this.#again();
  }

  #list() {
    const { waiting, tasks } = this.#queue;
    const rest = waiting === null ? tasks.length === this.#limit : waiting > tasks.length;
    return h('section', { 'aria-label': 'What waits' },
      h('p.lead', { role: 'status' }, waiting === 0 ? 'No task waits for a backend.' :
        `${count(waiting ?? tasks.length, 'task')} in the queue. The first gets the next slot that can take it; each says what is in its way now.`),
      tasks.length > 0 && table({
        caption: 'Waiting tasks in the order of their turn', columns: ['Turn', 'Task', 'Owner', 'Waits for', 'Images', 'Priority', 'Why it waits'],
        rows: tasks.map((task, index) => ({
          key: task.uuid,
          cells: [`${task.position ?? index + 1}.`, taskLink(task), task.owner ?? '–', duration(Date.now() - milliseconds(task.since)),
            number(task.images), number(task.priority), waitingReason(task.reason, this.store, true)],
        })),
      }),
      rest && this.#limit < MOST && h('button', { type: 'button', onclick: () => this.#showMore() }, 'Show more'));
  }

  // Where would a task go?

  #ranking() {
    return h('section.panel', { 'aria-label': 'Where would a task go?' }, heading('Where would a task go?'),
      h('form.filters', { onsubmit: (event) => this.#ask(event) },
        h('label', { for: 'images' }, 'Images'),
        h('input', { id: 'images', name: 'images', type: 'number', min: 1, max: 1000000, value: 100, required: true }),
        h('button.primary', { type: 'submit' }, 'Ask the policy')),
      this.#rank && this.#answer());
  }

  async #ask(event) {
    event.preventDefault();
    const images = Number(event.target.elements.images.value);
    const answer = await this.store.change('POST', 'api/rank', { images }, null);
    if (answer) this.#rank = { images, ...answer };
    this.changed();
  }

  #answer() {
    const { images, chosen, candidates } = this.#rank;
    const ranked = [...candidates].sort((a, b) => (a.rank ?? Infinity) - (b.rank ?? Infinity));
    return h('div', { 'aria-live': 'polite' },
      h('p.lead', null, `A task of ${count(images, 'image')} `,
        chosen ? ['would go to ', backendLink(chosen), '.'] : 'would wait: no backend could take it now.'),
      table({
        caption: 'Candidates', columns: ['Rank', 'Backend', 'Tier', 'Why', 'Predicted wait'], empty: 'No backend is listed.',
        rows: ranked.slice(0, CANDIDATES).map((each) => ({
          key: each.backend,
          cells: [each.rank ?? '–', backendLink(each.backend), number(each.tier), choiceText(each.reason),
            each.predictedWait === null ? '–' : duration(each.predictedWait * 1000)],
        })),
      }),
      ranked.length > CANDIDATES && h('p.quiet', null, `and ${number(ranked.length - CANDIDATES)} more`));
  }
}
