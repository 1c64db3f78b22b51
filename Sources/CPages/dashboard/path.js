// A task's life as a path: the stretches between its events, each with where it was, why there, and how it ended.

/**
 * One stretch of the path.
 * @typedef {object} Stretch
 * @property {"upload"|"fetch"|"wait"|"backend"|"after"} kind
 * @property {string|null} backend where it was
 * @property {number|null} attempt
 * @property {string} reason why it was there
 * @property {string} ending how it ended, for people; empty where it went on as it should
 * @property {boolean} isBad whether it ended with something that went wrong
 * @property {number} from milliseconds
 * @property {number|null} to null: it goes on
 * @property {object[]} events
 */

const endings = new Set(['completed', 'failed', 'canceled', 'uploadAbandoned']);
const givenBack = new Set(['released', 'refused', 'vanished', 'fenced', 'imagesDiffer']);
const harmless = new Set(['released', 'canceled', 'completed']);

/**
 * @param {object} task as /api/tasks/{uuid} has it
 * @returns {Stretch[]} the oldest first
 */
export function pathOf(task) {
  const path = new Path(task.attempts ?? []);
  for (const event of task.events ?? []) path.take(event);
  return path.stretches.filter((stretch) => stretch.events.length > 0 || stretch.to === null);
}

class Path {
  stretches = [];
  #sentAhead = new Map();
  #reasons;

  constructor(attempts) {
    this.#reasons = new Map(attempts.map((attempt) => [attempt.number, attempt.reason]));
  }

  get #current() {
    return this.stretches.at(-1);
  }

  take(event) {
    const { kind, at } = event;
    if (kind === 'initialized') this.#begin('upload', at);
    else if (kind === 'committed' || kind === 'fetched') this.#begin('wait', at);
    else if (kind === 'fetchStarted') this.#begin('fetch', at);
    else if (kind === 'restartRequested' && this.#current?.kind !== 'backend') this.#begin('wait', at);
    else if (kind === 'chosen') this.#arrive(event, event.detail);
    else if (kind === 'promoted') this.#arrive(event, this.#sentAhead.get(event.attempt));
    else if (['accepted', 'adopted'].includes(kind) && !this.#isAt(event)) this.#arrive(event, event.detail);
    else if (!this.#current) this.#begin('wait', at);
    if (kind === 'prefetching') this.#sentAhead.set(event.attempt, event.detail);
    this.#current.events.push(event);
    if (kind === 'waiting') this.#current.reason = event.detail;
    if (endings.has(kind)) this.#end(event, 'after');
    else if (givenBack.has(kind) && this.#current.kind === 'backend') this.#end(event, 'wait');
  }

  #isAt({ backend, attempt }) {
    return this.#current?.kind === 'backend' && this.#current.backend === backend && this.#current.attempt === attempt;
  }

  #arrive({ at, backend, attempt }, reason) {
    this.#begin('backend', at, backend, attempt, reason || this.#reasons.get(attempt) || '');
  }

  #begin(kind, from, backend = null, attempt = null, reason = '') {
    if (this.#current && this.#current.to === null) this.#current.to = from;
    this.stretches.push({ kind, backend: backend ?? null, attempt: attempt ?? null, reason, ending: '', isBad: false, from, to: null, events: [] });
  }

  #end(event, next) {
    const stretch = this.#current;
    stretch.ending = event.detail || event.kind;
    stretch.isBad = !harmless.has(event.kind);
    this.#begin(next, event.at);
    if (next === 'after') this.#current.to = event.at;
  }
}
