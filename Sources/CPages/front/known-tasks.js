// Which tasks were sent from this browser: the gateway's list has them only where the token, or the lack of one, allows.

import { keep, kept } from './keeping.js';

const key = 'scaleodm.tasks';
const limit = 300;

/** The tasks' ids, newest first. */
export class KnownTasks {
  constructor() {
    this.ids = read() ?? [];
  }

  has(uuid) {
    return this.ids.includes(uuid);
  }

  add(uuid) {
    this.#write([uuid, ...this.#others(uuid)].slice(0, limit));
  }

  remove(uuid) {
    this.#write(this.#others(uuid));
  }

  /** Other tabs write what is kept too. */
  #others(uuid) {
    return (read() ?? this.ids).filter((id) => id !== uuid);
  }

  #write(ids) {
    this.ids = ids;
    keep('localStorage', key, JSON.stringify(ids));
  }
}

/** What is kept, which may have been changed by hand; null where that is no list. */
function read() {
  try {
    const ids = JSON.parse(kept('localStorage', key));
    return Array.isArray(ids) ? ids.filter((id) => typeof id === 'string') : null;
  } catch {
    return null;
  }
}
