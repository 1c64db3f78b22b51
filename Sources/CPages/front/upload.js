// One new task on its way: init, its files side by side with retries, commit.

import { NodeError } from './node.js';

/** How many files are sent at once: browsers open six connections to a host, and the polls need some of them. */
const lanes = 4;
/** Tries of a call or a file; pauses of 1, 2, 4 … 30 s between them add up to about two and a half minutes. */
const tries = 9;
const longestPause = 30_000;

/** Where a file is. */
export class UploadFile {
  constructor(file) {
    this.file = file;
    /** waiting, sending, pausing, sent or failed */
    this.state = 'waiting';
    this.sent = 0;
    this.error = '';
  }
}

/**
 * An upload. Tells of each change by the event `change`.
 *
 * `state` is opening, sending, stuck, committing, done, failed or stopped: stuck waits for `resume()` or `leaveOut()`.
 */
export class Upload extends EventTarget {
  /**
   * @param {Node} node
   * @param {File[]} files
   * @param {Object} fields  name, options and zipurl of the task
   */
  constructor(node, files, fields) {
    super();
    this.node = node;
    this.fields = fields;
    this.files = files.map((file) => new UploadFile(file));
    this.bytes = files.reduce((sum, file) => sum + file.size, 0);
    this.state = 'opening';
    this.error = null;
    this.uuid = null;
    this.controller = new AbortController();
  }

  get name() {
    return this.fields.name || 'New task';
  }

  get sent() {
    return this.files.reduce((sum, file) => sum + file.sent, 0);
  }

  get failed() {
    return this.files.filter((file) => file.state === 'failed');
  }

  /** Whether leaving the page would lose it. */
  get isUnderWay() {
    return ['opening', 'sending', 'stuck', 'committing'].includes(this.state);
  }

  /** Works until the task is committed, refused or stopped; nothing is thrown. */
  async run() {
    try {
      await this.#work();
      this.#become('done');
    } catch (error) {
      if (this.controller.signal.aborted) return this.#become('stopped');
      this.error = error;
      this.#become('failed');
    }
  }

  /** Sends what failed once more. */
  resume() {
    for (const file of this.failed) file.state = 'waiting';
    this.#decide?.();
  }

  /** Goes on without what failed. */
  leaveOut() {
    this.files = this.files.filter((file) => file.state !== 'failed');
    this.bytes = this.files.reduce((sum, file) => sum + file.file.size, 0);
    this.#decide?.();
  }

  /** Gives it up: what was sent is forgotten by the gateway in time. */
  stop() {
    this.controller.abort(new DOMException('stopped', 'AbortError'));
    this.#decide?.();
  }

  #decide = null;

  async #work() {
    const signal = this.controller.signal;
    if (this.files.length === 0) {
      // Not tried again: whether a lost answer made a task is unknown.
      this.uuid = await this.node.create(this.fields, signal);
      return;
    }
    this.uuid = await this.#persist(() => this.node.init(this.fields, signal));
    for (;;) {
      this.#become('sending');
      await Promise.all(Array.from({ length: lanes }, () => this.#lane()));
      signal.throwIfAborted();
      if (this.failed.length === 0) break;
      await this.#decision();
      if (this.files.length === 0) throw new NodeError('refused', 'No file is left to send.');
    }
    this.#become('committing');
    await this.#persist(() => this.node.commit(this.uuid, signal));
  }

  async #lane() {
    for (;;) {
      const next = this.files.find((file) => file.state === 'waiting');
      if (!next || this.controller.signal.aborted) return;
      await this.#send(next);
    }
  }

  async #send(file) {
    const signal = this.controller.signal;
    try {
      await this.#persist(() => {
        this.#change(file, 'sending', 0);
        return this.node.upload(this.uuid, file.file, (sent) => this.#change(file, 'sending', sent), signal);
      }, (error) => this.#change(file, 'pausing', 0, error.message));
      this.#change(file, 'sent', file.file.size);
    } catch (error) {
      if (signal.aborted) return;
      if (concernsAll(error)) throw error;
      this.#change(file, 'failed', 0, error.message);
    }
  }

  /** Calls until it succeeds, is refused, or too many tries have failed. */
  async #persist(call, pausing = () => {}) {
    const signal = this.controller.signal;
    for (let number = 1; ; number += 1) {
      try {
        return await call();
      } catch (error) {
        if (signal.aborted || !error.passes || number === tries) throw error;
        pausing(error);
        await pause(Math.min(1000 * 2 ** (number - 1), longestPause) * (0.75 + Math.random() / 2), signal);
      }
    }
  }

  #decision() {
    return new Promise((resolve) => {
      this.#decide = () => {
        this.#decide = null;
        resolve();
      };
      this.#become('stuck');
    }).then(() => this.controller.signal.throwIfAborted());
  }

  #change(file, state, sent, error = '') {
    Object.assign(file, { state, sent, error });
    this.dispatchEvent(new Event('change'));
  }

  #become(state) {
    this.state = state;
    // What is still on its way of an upload that has failed is not wanted any more.
    if (state === 'failed') this.controller.abort();
    this.dispatchEvent(new Event('change'));
  }
}

/** A token that is refused, and an upload that the gateway has forgotten, are so for every file. */
function concernsAll(error) {
  return error.kind === 'unauthorized' || error.message.includes('Invalid uuid');
}

function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, milliseconds);
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    signal.addEventListener('abort', stop, { once: true });
  });
}
