// One task: where it is and why, what to do, its whole path, its output.

import { h } from './tree.js';
import { adviceFor, heldAttempt } from './advice.js';
import { segment } from './api.js';
import { milliseconds, number } from './figures.js';
import { duration } from './format.js';
import { TaskOutput } from './output.js';
import { backendLink, bar, heading, problem, table, taskBadge, time, waitingReason } from './parts.js';
import { pathOf } from './path.js';
import { Refresher } from './refresher.js';
import { taskButtons } from './task-actions.js';
import { choiceText, eventWord, isBadEvent, isFinal, outcomeWord, taskState } from './words.js';

const OUTPUT = 2000;
const EVENTS = 200;
const CANDIDATES = 50;
const QUEUE = 1000;

export class TaskPage {
  title = 'Task';
  error = null;
  #task = null;
  #place = null;
  #isGone = false;
  #refresher = new Refresher(this);
  #candidates = null;
  #isWhole = false;

  constructor({ store, changed }, uuid) {
    this.store = store;
    this.changed = changed;
    this.uuid = uuid;
    this.output = new TaskOutput(store.api, uuid, changed);
    // New lines alone are no event.
    this.reading = setInterval(() => this.#readOutput(), OUTPUT);
  }

  async refresh() {
    const task = await this.store.api.getIfThere(`api/tasks/${segment(this.uuid)}`);
    this.#isGone = task === null;
    if (task === null) return;
    this.#task = task;
    this.title = task.name || 'Task';
    document.title = `${this.title} · ${this.store.gateway?.name ?? 'ScaleODM'}`;
    this.#place = task.state === 'queued' ? await this.#placeInQueue() : null;
    await this.output.read(isFinal(task));
  }

  async #placeInQueue() {
    const queue = await this.store.api.getIfThere('api/queue', { limit: QUEUE });
    return queue?.tasks.find((task) => task.uuid === this.uuid) ?? null;
  }

  event(name, data) {
    const isOurs = (name === 'task' && data.uuid === this.uuid) || (name === 'queue' && this.#task?.state === 'queued');
    if (!isOurs) return;
    if (data.state === 'removed') this.#isGone = true;
    else this.#refresher.soon();
  }

  async #readOutput() {
    if (!this.#task || this.#isGone || document.hidden) return;
    await this.output.read(isFinal(this.#task)).catch(() => null);
    this.changed();
  }

  close() {
    this.#refresher.close();
    clearInterval(this.reading);
  }

  drawn() {
    this.output.drawn();
  }

  render() {
    const task = this.#task;
    const trail = h('p.trail', null, h('a', { href: '#/tasks' }, 'Tasks'));
    if (this.#isGone) {
      return [trail, h('h1', null, 'No such task'), h('p', null, `The gateway has no task ${this.uuid}: it was removed, or never was.`)];
    }
    if (!task) return [trail, h('h1', null, 'Task'), problem(this)];
    const path = pathOf(task);
    return [
      trail, h('h1', null, task.name || task.uuid, ' ', taskBadge(task)), h('p.uuid', null, task.uuid), problem(this),
      this.#summary(task), this.#strip(path, task), this.#timeline(path, task), task.state === 'queued' && this.#ranking(task),
      this.output.render(task), this.#facts(task),
    ];
  }

  // In short

  #summary(task) {
    const reason = this.#place?.reason ?? task.why;
    const { text, advice } = adviceFor(task, this.store, reason);
    return h('section.panel', { class: taskState(task).tone, 'aria-label': 'Where it is, and why' },
      h('p.lead', null, text, ' ', task.state === 'queued' ? this.#turn() : task.backend && ['On ', backendLink(task.backend), '.']),
      ['placed', 'dispatching'].includes(task.state) && bar(task.progress, 100, `${Math.floor(task.progress)} %`),
      h('dl.answers', null,
        reason && answer(task.state === 'queued' ? 'Why it waits' : task.state === 'failed' ? 'Why it failed' : 'Why there',
          task.state === 'queued' ? waitingReason(reason, this.store, true) : reason === task.reason ? choiceText(reason) : reason),
        answer('What to do', advice)),
      h('div.buttons', null, taskButtons(task, this.store, () => this.#refresher.soon())));
  }

  #turn() {
    if (!this.#place) return null;
    return `It is number ${number(this.#place.position)} in the queue, for ${duration(Date.now() - milliseconds(this.#place.since))}.`;
  }

  // Its path

  #strip(path, task) {
    const stretches = path.filter(({ kind }) => kind !== 'after');
    return h('section', { 'aria-label': 'Its path' }, heading('Its path'), h('ol.strip', null,
      stretches.map((stretch, index) => h('li', { key: index, class: stripTone(stretch, index === stretches.length - 1, task) },
        h('b', null, stretch.kind === 'backend' ? backendLink(stretch.backend) : stretchName(stretch, task)),
        h('small', null, `${duration((stretch.to ?? Date.now()) - stretch.from)}${stretch.to === null ? ' so far' : ''}`),
        stretch.isBad && h('small.ending', null, stretch.ending))),
      isFinal(task) && h('li', { key: 'end', class: taskState(task).tone }, h('b', null, taskState(task).word))));
  }

  #timeline(path, task) {
    const events = path.reduce((sum, stretch) => sum + stretch.events.length, 0);
    let skip = this.#isWhole ? 0 : Math.max(0, events - EVENTS);
    const shown = path.map((stretch) => {
      const left = stretch.events.slice(Math.min(skip, stretch.events.length));
      skip -= stretch.events.length - left.length;
      return { stretch, events: left };
    }).filter((each) => each.events.length > 0 || each.stretch.to === null);
    return h('section', { 'aria-label': 'All that happened' }, heading('All that happened, and why'),
      events > EVENTS && !this.#isWhole && h('button.small', {
        type: 'button', onclick: () => { this.#isWhole = true; this.changed(); },
      }, `Show ${number(events - EVENTS)} earlier events`),
      h('ol.timeline', null, shown.map(({ stretch, events: each }) => this.#stretch(stretch, each, task))));
  }

  #stretch(stretch, events, task) {
    const attempt = (task.attempts ?? []).find(({ number, backend }) => number === stretch.attempt && backend === stretch.backend);
    const isThere = stretch.kind === 'backend';
    const tone = stretch.isBad ? 'bad' : stretch.to === null ? 'now' : null;
    return h('li', { key: `${stretch.kind} ${stretch.from} ${stretch.backend ?? ''}`, class: tone },
      h('h3', null, isThere ? [`Attempt ${stretch.attempt} on `, backendLink(stretch.backend)] : stretchName(stretch, task),
        attempt?.outcome && h('span.quiet', null, ` – ${outcomeWord(attempt.outcome)}`)),
      isThere && h('p.choice', null, h('span.quiet', null, 'Chosen because: '), choiceText(stretch.reason) || "the record doesn't say"),
      h('ol.events', null, events.map((event) => this.#event(event, stretch))));
  }

  #event(event, stretch) {
    const isWaiting = event.kind === 'waiting';
    const isSaid = event.kind === 'chosen' && event.detail === stretch.reason;
    const text = isSaid ? '' : event.detail;
    const detail = text && (isWaiting ? waitingReason(text, this.store) : h('span.why', null, text));
    return h('li', { key: `${event.at} ${event.kind}`, class: isBadEvent(event.kind) ? 'bad' : null }, time(event.at), ' ',
      h('b', null, eventWord(event.kind)),
      event.backend && event.backend !== stretch.backend && [' ', backendLink(event.backend)], detail && [isWaiting ? null : ': ', detail]);
  }

  // Every backend

  #ranking(task) {
    return h('details.panel', { key: 'ranking', ontoggle: (event) => { if (event.currentTarget.open) this.#rank(task.images); } },
      h('summary', null, 'Every backend, as the policy sees a task of so many images now'),
      this.#candidates && table({
        caption: 'Candidates', columns: ['Rank', 'Backend', 'Tier', 'Why'], empty: 'No backend is listed.',
        rows: this.#candidates.slice(0, CANDIDATES).map((each) => ({
          key: each.backend, cells: [each.rank ?? '–', backendLink(each.backend), number(each.tier), choiceText(each.reason)],
        })),
      }),
      this.#candidates?.length > CANDIDATES && h('p.quiet', null, `and ${number(this.#candidates.length - CANDIDATES)} more`));
  }

  async #rank(images) {
    const answered = await this.store.change('POST', 'api/rank', { images: Math.max(1, images) }, null);
    this.#candidates = answered && [...answered.candidates].sort((a, b) => (a.rank ?? Infinity) - (b.rank ?? Infinity));
    this.changed();
  }

  #facts(task) {
    const fact = (name, value) => h('div', { key: name }, h('dt', null, name), h('dd', null, value));
    return h('section', { 'aria-label': 'Facts' }, heading('Facts'), h('dl.facts', null,
      fact('Images', number(task.images)), fact('Owner', task.owner ?? "nobody's token"), fact('Submitted', time(task.createdAt)),
      fact('Status that its client sees', `${task.code}`), fact('Attempts', number(task.attempts?.length ?? 0)),
      (task.attempts ?? []).slice(-1).map((attempt) => fact('Its name there', attempt.backendTask)),
      heldAttempt(task) && fact('Held', 'until an operator decides'),
      task.keptFrom && fact('Kept from', time(task.keptFrom))));
  }
}

const answer = (question, text) => h('div', { key: question }, h('dt', null, question), h('dd', null, text));

function stretchName({ kind }, task) {
  switch (kind) {
    case 'upload': return 'Upload';
    case 'fetch': return 'Fetching its archive';
    case 'wait': return 'Waiting in the gateway';
    default: return isFinal(task) ? 'Afterwards' : 'Then';
  }
}

function stripTone(stretch, isLast, task) {
  if (stretch.isBad) return 'bad';
  return isLast && !isFinal(task) ? taskState(task).tone : 'past';
}
