// What is known of the gateway now, from one place: first asked for, then kept true by events.

import { notice } from './dialog.js';

/** A page asks for samples of the last hours no more often than they are taken. */
const HISTORY_AGE = 55_000;
/** So many backends' samples are asked for at once: the gateway tells of no more. */
const LOADS = 100;

export class Store {
  /** Backends by name, in the gateway's order; each with `heardAt`, by this machine's clock. */
  backends = new Map();
  /** What /api/gateway says; null where the gateway doesn't answer that. */
  gateway = null;
  /** /readyz: ready, degraded, checks. */
  checks = null;
  /** When all of this was last asked for or heard of. */
  heardAt = null;
  /** "connecting", "live", "polling", "lost" or "refused". */
  link = 'connecting';
  #history = new Map();
  #loads = new Map();
  #isAskingLoads = false;

  constructor(api, changed) {
    this.api = api;
    this.changed = changed;
  }

  /** Asks for all of it. */
  async refresh() {
    const [backends, gateway, checks] = await Promise.all([
      this.api.get('api/backends'), this.api.getIfThere('api/gateway'), this.api.checks().catch(() => null),
    ]);
    [this.gateway, this.checks] = [gateway, checks];
    this.#takeBackends(backends);
  }

  async refreshBackends() {
    this.#takeBackends(await this.api.get('api/backends'));
  }

  #takeBackends(backends) {
    this.heardAt = Date.now();
    this.backends = new Map(backends.map((backend) => [backend.name, { ...backend, heardAt: this.heardAt }]));
    this.changed();
  }

  /** Takes one event over. */
  event(name, data) {
    this.heardAt = Date.now();
    if (name === 'gateway') this.#takeGateway(data);
    if (name === 'queue' && this.gateway) {
      const { waiting, running } = data;
      this.gateway = { ...this.gateway, tasks: { ...this.gateway.tasks, queued: waiting, running } };
    }
    if (name === 'backend' && data.name) this.backends.set(data.name, { ...data, heardAt: this.heardAt });
    if (name === 'backend-gone' && data.name) this.backends.delete(data.name);
    // What is shown stays until the newer is there.
    if (name === 'history') for (const known of [...this.#history.values(), ...this.#loads.values()]) known.at = 0;
    this.changed();
  }

  /** What is wrong with database and storage is told by /readyz, which is asked when the gateway tells of itself. */
  async #takeGateway(gateway) {
    this.gateway = gateway;
    try {
      this.checks = await this.api.checks();
    } catch {
      return;
    }
    this.changed();
  }

  backendsByTrouble(rank) {
    return [...this.backends.values()].sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name, undefined, { numeric: true }));
  }

  /** What was measured of the whole in the last hours, null until it is there. */
  history(hours) {
    const known = this.#history.get(hours);
    if (!known || Date.now() - known.at > HISTORY_AGE) this.#readHistory(hours, known);
    return known?.value ?? null;
  }

  async #readHistory(hours, known) {
    if (known?.isAsking) return;
    this.#history.set(hours, { at: known?.at ?? 0, value: known?.value ?? null, isAsking: true });
    let value = null;
    try {
      value = await this.api.getIfThere('api/history', { hours });
    } catch {
      value = known?.value ?? null;
    }
    this.#history.set(hours, { at: Date.now(), value });
    this.changed();
  }

  /**
   * What was measured of some backends in the last hours.
   * @param {number} hours
   * @param {string[]} names those that are on the page: of all of a thousand it would be megabytes
   * @returns {function(string): {from: string, step: number, running: number[], slots: number[]}|null} null until it is there
   */
  loads(hours, names) {
    const key = (name) => `${hours} ${name}`;
    const due = names.filter((name) => !(Date.now() - this.#loads.get(key(name))?.at <= HISTORY_AGE));
    if (due.length > 0 && !this.#isAskingLoads) this.#readLoads(hours, due.slice(0, LOADS), key);
    return (name) => this.#loads.get(key(name))?.value ?? null;
  }

  async #readLoads(hours, names, key) {
    this.#isAskingLoads = true;
    let answer = null;
    try {
      answer = await this.api.getIfThere('api/history', { hours, backend: names });
    } catch {
      // What was known stays, and is asked for again as if it were new.
    }
    for (const name of names) {
      const measured = answer?.backends[name];
      const value = measured ? { from: answer.from, step: answer.step, ...measured } : answer ? null : this.#loads.get(key(name))?.value;
      this.#loads.set(key(name), { at: Date.now(), value });
    }
    this.#isAskingLoads = false;
    this.changed();
  }

  /** Changes something, and says what came of it. Returns the answer, or null where it was refused. */
  async change(method, path, body, said, undo) {
    try {
      const answer = await this.api.change(method, path, body);
      const text = typeof said === 'function' ? said(answer) : said;
      if (text) notice(text, { undo });
      return answer;
    } catch (error) {
      notice(error.message, { isBad: true });
      return null;
    }
  }
}
