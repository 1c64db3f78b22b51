// Which tasks were sent from this browser: the gateway's list has them only where the token, or the lack of one, allows.

const key = 'scaleodm.tasks';
const kept = 300;

/** The tasks' ids, newest first. */
export class KnownTasks {
  constructor() {
    this.ids = read();
  }

  has(uuid) {
    return this.ids.includes(uuid);
  }

  add(uuid) {
    this.#write([uuid, ...read().filter((id) => id !== uuid)].slice(0, kept));
  }

  remove(uuid) {
    this.#write(read().filter((id) => id !== uuid));
  }

  #write(ids) {
    this.ids = ids;
    try {
      localStorage.setItem(key, JSON.stringify(ids));
    } catch {
      // A browser that keeps nothing still shows what the gateway lists.
    }
  }
}

/** Other tabs write it too; and what is stored may have been changed by hand. */
function read() {
  try {
    const ids = JSON.parse(localStorage.getItem(key) ?? '[]');
    return Array.isArray(ids) ? ids.filter((id) => typeof id === 'string') : [];
  } catch {
    return [];
  }
}
