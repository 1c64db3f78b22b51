// One backend: how it is and what to do, its load over the last hours, its tasks.

import { h } from './tree.js';
import { confirmed } from './dialog.js';
import { milliseconds, number } from './figures.js';
import { plot } from './plot.js';
import { backendBadge, heading, load, problem, progress, seen, table, taskBadge, taskLink, timeAgo, why } from './parts.js';
import { Refresher } from './refresher.js';
import { segment } from './api.js';
import { switches } from './switches.js';
import { backendState } from './words.js';

const TASKS = 30;
const HOURS = 6;

export class BackendPage {
  error = null;
  showsAges = true;
  #tasks = null;
  #refresher = new Refresher(this);

  constructor({ store, changed }, name) {
    this.store = store;
    this.changed = changed;
    this.name = name;
    this.title = name;
  }

  async refresh() {
    this.#tasks = (await this.store.api.get('api/tasks', { backend: this.name, limit: TASKS })).tasks;
  }

  event(name, data) {
    const isOurs = name === 'task' && (data.backend === this.name || this.#tasks?.some((task) => task.uuid === data.uuid));
    if (isOurs) this.#refresher.soon();
  }

  close() {
    this.#refresher.close();
  }

  render() {
    const backend = this.store.backends.get(this.name);
    return [
      h('p.trail', null, h('a', { href: '#/backends' }, 'Backends')), h('h1', null, this.name, ' ', backend && backendBadge(backend)), problem(this),
      backend ? this.#facts(backend) : h('p', null, 'The gateway knows no backend of this name: it was removed, or never listed.'),
      backend && this.#plot(), this.#list(),
    ];
  }

  #facts(backend) {
    const { text, advice } = backendState(backend);
    return h('section.panel', { 'aria-label': 'How it is' },
      h('p.lead', null, text, advice && h('span.advice', null, ` ${advice}`)),
      backend.lastError && h('p.problem', null, 'Last error: ', backend.lastError),
      backend.orphans && h('p.problem', null, `${number(backend.orphans.count)} of our runs there are in no record: ${backend.orphans.newest.join(', ')}`),
      h('dl.facts', null,
        fact('Slots in use', load(backend)), fact('Our tasks there', number(backend.tasks)), fact('Load read', seen(backend)),
        fact('Answered in', backend.latencyMilliseconds === undefined ? '–' : `${number(backend.latencyMilliseconds)} ms`),
        fact('Kind', backend.kind), fact('Engine', `${backend.engine} ${backend.engineVersion}`), fact('Address', backend.url),
        fact('Tier', backend.tier === 0 ? '0 (used first)' : `${backend.tier} (a reserve for when lower tiers stay full)`),
        fact('Most images', backend.maxImages === null ? 'no limit known' : number(backend.maxImages)),
        fact('Listed', { file: 'in the inventory', added: 'added at run time', retired: 'no longer' }[backend.source] ?? backend.source)),
      h('div.buttons', null, switches(backend, this.store), ['added', 'retired'].includes(backend.source) && this.#removal(backend)));
  }

  #removal(backend) {
    const isRetired = backend.state === 'retired';
    return h('button.small.danger', { type: 'button', onclick: async () => {
      const isMeant = await confirmed({
        title: `Remove ${backend.name}?`, isGrave: true, button: `Remove ${backend.name}`,
        texts: [isRetired
          ? "What it still holds is given up: results there can't be downloaded any more. This is for a backend that will never be "
            + 'back; evacuate it first where it has unfinished tasks.'
          : 'It gets no new tasks, serves those that it has, and is gone once none is left.'],
      });
      if (!isMeant) return;
      const path = `api/backends/${segment(backend.name)}${isRetired ? '?forget=true' : ''}`;
      await this.store.change('DELETE', path, undefined, (answer) => `${backend.name} is ${answer.state}.`);
      this.store.refresh().catch(() => null);
    } }, 'Remove');
  }

  #plot() {
    const measured = this.store.loads(HOURS, [this.name])(this.name);
    if (!measured) return null;
    return h('section', { 'aria-label': 'Its load' }, heading(`The last ${HOURS} hours`), h('div.plots', null, plot({
      title: `Slots of ${this.name}`, from: milliseconds(measured.from), step: measured.step, format: number,
      series: [{ name: 'in use', values: measured.running, style: 'area' }, { name: 'slots', values: measured.slots, style: 'limit' }],
    })));
  }

  #list() {
    if (!this.#tasks) return null;
    return h('section', { 'aria-label': 'Its tasks' },
      heading('Its newest tasks', h('a', { href: `#/tasks?backend=${segment(this.name)}` }, 'All of them')),
      table({
        caption: 'Tasks of this backend', columns: ['Task', 'State', 'Why there', 'Submitted'], empty: 'No task was ever placed here.',
        rows: this.#tasks.map((task) => ({
          key: task.uuid, cells: [taskLink(task), [taskBadge(task), progress(task)], why(task, this.store), timeAgo(task.createdAt)],
        })),
      }));
  }
}

const fact = (name, value) => h('div', { key: name }, h('dt', null, name), h('dd', null, value));
