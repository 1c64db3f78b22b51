// How the gateway is: what needs somebody, where the tasks are and why, and the last hours.

import { h } from './tree.js';
import { bytes, milliseconds, number, rate } from './figures.js';
import { count, duration } from './format.js';
import { plot } from './plot.js';
import { Refresher } from './refresher.js';
import { backendBadge, heading, names, problem, progress, table, taskBadge, taskLink, timeAgo, waitingReason, where, why } from './parts.js';
import { backendState, isTrouble, troubleRank } from './words.js';

const NEWEST = 12;
const WAITING = 5;
const TROUBLED = 5;
const HOURS = [1, 6, 24];

export class OverviewPage {
  title = 'Overview';
  error = null;
  #tasks = null;
  #queue = null;
  #hours = 6;
  #refresher = new Refresher(this);

  constructor({ store, changed }) {
    this.store = store;
    this.changed = changed;
  }

  async refresh() {
    const { api } = this.store;
    const [page, queue] = await Promise.all([api.get('api/tasks', { limit: NEWEST }), api.getIfThere('api/queue', { limit: WAITING })]);
    [this.#tasks, this.#queue] = [page.tasks, queue];
  }

  event(name) {
    if (name === 'task' || name === 'queue') this.#refresher.soon();
  }

  close() {
    this.#refresher.close();
  }

  render() {
    return [
      h('h1.unseen', null, 'Overview'), problem(this), this.#search(), this.#attention(), this.#tiles(), this.#waiting(), this.#newest(),
      this.#works(), this.#plots(),
    ];
  }

  // Figures of now

  #tiles() {
    const { gateway, backends } = this.store;
    const all = [...backends.values()];
    const online = all.filter((backend) => backend.online).length;
    const tasks = gateway?.tasks;
    return h('dl.tiles', { 'aria-label': 'Now' },
      tasks && [
        tile('Waiting', number(tasks.queued), '#/queue'), tile('Running', number(tasks.running), '#/tasks?state=placed'),
        tile('Completed', number(tasks.completed), '#/tasks?state=completed'),
        tile('Failed', number(tasks.failed), '#/tasks?state=failed'),
      ],
      tile('Backends online', `${number(online)} of ${number(all.length)}`, '#/backends', null, online < all.length));
  }

  #works() {
    const { gateway } = this.store;
    if (!gateway) return null;
    const { requests, database, storage, replicas } = gateway;
    return h('section', { 'aria-label': 'The gateway' }, heading('The gateway'), h('dl.tiles', null,
      tile('Requests', `${rate(requests.perSecond)}/s`, null,
        `in ${bytes(requests.receivedBytesPerSecond)}/s, out ${bytes(requests.sentBytesPerSecond)}/s`),
      tile('Errors', `${rate(requests.errorsPerSecond)}/s`, null, 'answers 5xx', requests.errorsPerSecond > 0),
      tile('Database', database.up ? 'Answers' : 'Away', null, database.kind, !database.up),
      storage.freeBytes === null ? tile('Storage', storage.kind) : tile('Storage', bytes(storage.freeBytes), null, `free, ${storage.kind}`),
      tile('Up for', duration(gateway.uptime * 1000), null, `version ${gateway.version}`),
      replicas?.length > 1 && tile('Replicas', number(replicas.length), null, `this is ${gateway.replica}`)));
  }

  // What needs somebody

  #attention() {
    const { checks, backends } = this.store;
    const bad = (checks?.checks ?? []).filter((check) => check.result !== 'good' && check.name !== 'backends');
    const troubled = this.store.backendsByTrouble(troubleRank).filter(isTrouble);
    if (bad.length === 0 && troubled.length === 0) {
      return backends.size > 0
        ? h('p.allwell', null, 'Nothing needs you: the database and the storage answer, and no backend is in trouble.')
        : h('section.panel.attention', { 'aria-label': 'What needs you' }, heading('Needs you'),
          h('p', null, 'No backend is listed: every task waits. List one in the inventory; it is read anew when it changes.'));
    }
    return h('section.panel.attention', { 'aria-label': 'What needs you' }, heading('Needs you'),
      h('ul.troubles', null,
        bad.map(({ name, result, detail }) =>
          h('li', { key: name }, h('span.badge', { class: result === 'failed' ? 'bad' : 'wait' }, name), ' ', detail)),
        alike(troubled).slice(0, TROUBLED).map(trouble),
        troubled.length > 1 && h('li', { key: 'all' },
          h('a', { href: '#/backends?only=trouble' }, `All ${number(troubled.length)} backends in trouble`))));
  }

  // Tasks

  #search() {
    return h('form.search', { role: 'search', onsubmit: (event) => {
      event.preventDefault();
      location.hash = `#/tasks?search=${encodeURIComponent(event.target.elements.search.value.trim())}`;
    } },
    h('label', { for: 'find' }, 'Where is my task?'),
    h('input', { id: 'find', name: 'search', type: 'search', placeholder: 'its name or uuid', autocomplete: 'off' }),
    h('button.primary', { type: 'submit' }, 'Find'));
  }

  #waiting() {
    if (!this.#queue) return null;
    const { waiting, tasks } = this.#queue;
    return h('section', { 'aria-label': 'What waits, and why' },
      heading(`Waiting, and why`, waiting > 0 && h('a', { href: '#/queue' }, `${count(waiting, 'task')} in the queue`)),
      tasks.length === 0 ? h('p.quiet.empty', null, 'No task waits for a backend.') : h('ol.waiting', null, tasks.map((task) =>
        h('li', { key: task.uuid }, h('span.position', null, `${task.position}.`), h('div', null, taskLink(task),
          h('span.quiet', null, ` since ${duration(Date.now() - milliseconds(task.since))}`), waitingReason(task.reason, this.store))))));
  }

  #newest() {
    if (!this.#tasks) return null;
    return h('section', { 'aria-label': 'The newest tasks' },
      heading('The newest tasks', h('a', { href: '#/tasks' }, 'All tasks')),
      table({
        caption: 'The newest tasks', columns: ['Task', 'State', 'Where', 'Why there', 'Submitted'], empty: 'There is no task yet.',
        rows: this.#tasks.map((task) => ({
          key: task.uuid,
          cells: [taskLink(task), [taskBadge(task), progress(task)], where(task), why(task, this.store), timeAgo(task.createdAt)],
        })),
      }));
  }

  // The last hours

  #plots() {
    const history = this.store.history(this.#hours);
    if (!history) return null;
    const from = milliseconds(history.from);
    const { series, step } = history;
    const make = (title, lines, format = number) =>
      plot({ title, from, step, format, series: lines.map(([name, key, style]) => ({ name, values: series[key] ?? [], style })) });
    return h('section', { 'aria-label': 'The last hours' },
      heading('The last hours', h('span.buttons', { role: 'group', 'aria-label': 'How many hours' }, HOURS.map((hours) =>
        h('button.small', {
          type: 'button', 'aria-pressed': String(hours === this.#hours),
          onclick: () => { this.#hours = hours; this.changed(); },
        }, `${hours} h`)))),
      h('div.plots', null,
        make('Tasks', [['running', 'running', 'area'], ['slots', 'slots', 'limit'], ['waiting', 'queue', 'line']]),
        make('Ends a minute', [['completed', 'completedPerMinute', 'area'], ['failed', 'failedPerMinute', 'line']], rate),
        make('Requests', [['requests', 'requests', 'area'], ['errors', 'errors', 'line']], rate),
        make('Bytes', [['sent', 'sentBytes', 'area'], ['received', 'receivedBytes', 'line']], bytes)));
  }
}

function tile(name, value, href, aside, isBad) {
  return h('div.tile', { key: name, class: isBad ? 'bad' : null }, h('dt', null, name),
    h('dd', null, href ? h('a', { href }, value) : value, aside && h('small', null, aside)));
}

/** Backends with the same trouble stand together: when a network goes, hundreds have it. */
function alike(backends) {
  const groups = new Map();
  for (const backend of backends) {
    const key = `${backend.state} ${backend.lastError ?? ''}`.replace(/\d+/g, '');
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(backend);
  }
  return [...groups.values()];
}

function trouble(backends) {
  const [first] = backends;
  // Of several the same is said once, and neither one's name nor its moment.
  const { text, advice } = backendState(backends.length === 1 ? first : { ...first, name: 'NAME', offlineSince: null });
  return h('li', { key: first.name }, backendBadge(first), ' ', names(backends.map((backend) => backend.name)), ': ',
    first.lastError ? h('span', null, `${first.lastError}. `) : null, h('span.quiet', null, `${text} ${advice ?? ''}`));
}

