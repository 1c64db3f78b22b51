// All backends, trouble first. However many there are, only so many rows are drawn.

import { h } from './tree.js';
import { number } from './figures.js';
import { sparkline } from './plot.js';
import { backendBadge, backendLink, load, problem, seen, table } from './parts.js';
import { switches } from './switches.js';
import { isTrouble, troubleRank } from './words.js';

const ROWS = 50;

const filters = [
  ['', 'All', () => true], ['trouble', 'In trouble', isTrouble], ['online', 'Online', (backend) => backend.state === 'online'],
  ['free', 'With a free slot', (backend) => backend.state === 'online' && backend.slots !== null && backend.unfinished < backend.slots],
  ['switched', 'Locked or draining', (backend) => backend.locked || backend.draining],
  ['retired', 'Retired', (backend) => backend.state === 'retired'],
];

export class BackendsPage {
  title = 'Backends';
  error = null;
  showsAges = true;
  #text;
  #only;
  #rows = ROWS;

  constructor({ store, changed }, query) {
    this.store = store;
    this.changed = changed;
    this.#text = query.get('search') ?? '';
    this.#only = query.get('only') ?? '';
  }

  async refresh() {}

  render() {
    const all = this.store.backendsByTrouble(troubleRank);
    const matches = filters.find(([key]) => key === this.#only)?.[2] ?? (() => true);
    const text = this.#text.trim().toLowerCase();
    const found = all.filter((backend) => matches(backend) && (!text || wordsOf(backend).includes(text)));
    const shown = found.slice(0, this.#rows);
    const loads = this.store.loads(1, shown.map(({ name }) => name));
    return [
      h('h1', null, 'Backends'), problem(this), this.#form(all),
      h('p.quiet', { role: 'status' }, found.length === shown.length
        ? `${number(found.length)} of ${number(all.length)}, trouble first`
        : `The first ${number(shown.length)} of ${number(found.length)}, trouble first`),
      table({
        caption: 'Backends, trouble first', empty: all.length === 0 ? 'No backend is listed: every task waits.' : 'None is like that.',
        columns: ['Backend', 'State', 'Slots in use', 'Last hour', 'Our tasks', 'Tier', 'Read', 'Switches'],
        rows: shown.map((backend) => this.#row(backend, loads(backend.name))),
      }),
      found.length > shown.length && h('button', { type: 'button', onclick: () => this.#showMore() }, `Show ${ROWS} more`),
    ];
  }

  #showMore() {
    this.#rows += ROWS;
    this.changed();
  }

  #form(all) {
    return h('form.filters', { role: 'search', onsubmit: (event) => event.preventDefault() },
      h('label', { for: 'filter' }, 'Name, address or error'),
      h('input', {
        id: 'filter', type: 'search', value: this.#text, autocomplete: 'off',
        oninput: (event) => this.#filter({ text: event.target.value }),
      }),
      h('span.buttons', { role: 'group', 'aria-label': 'Which backends' }, filters.map(([key, name, matches]) =>
        h('button.small', { type: 'button', 'aria-pressed': String(key === this.#only), onclick: () => this.#filter({ only: key }) },
          `${name} ${number(all.filter(matches).length)}`))));
  }

  #filter({ text = this.#text, only = this.#only }) {
    [this.#text, this.#only, this.#rows] = [text, only, ROWS];
    this.changed();
  }

  #row(backend, measured) {
    const label = `Slots of ${backend.name} in use over the last hour`;
    return {
      key: backend.name, tone: isTrouble(backend) ? 'bad' : null,
      cells: [
        [backendLink(backend.name), h('small', null, `${backend.kind} ${backend.engineVersion.replace('?', '')}`)],
        [backendBadge(backend), backend.lastError && h('small.error', null, backend.lastError)], load(backend),
        measured ? sparkline(measured.running, lastOf(measured.slots), label) : '–', number(backend.tasks), number(backend.tier),
        seen(backend), switches(backend, this.store),
      ],
    };
  }
}

const lastOf = (values) => values?.findLast((value) => value !== null) ?? null;

const wordsOf = (backend) => `${backend.name} ${backend.url} ${backend.kind} ${backend.state} ${backend.lastError ?? ''}`.toLowerCase();
