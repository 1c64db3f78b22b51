// Live state by server-sent events, read from a fetch: an EventSource can't carry the token.
// A broken stream is opened again, later each time; meanwhile the page asks for everything every few seconds.

const FIRST_PAUSE = 1000;
const LONGEST_PAUSE = 30_000;
/** The gateway sends a comment every 15 s; a stream that is silent for longer is dead, whatever the socket says. */
const SILENCE = 40_000;
const POLL = 5000;

export class Live {
  #api;
  #onEvent;
  #onPoll;
  #onState;
  #stop = new AbortController();
  #failures = 0;
  #isPolling = false;
  #hasPoller = false;

  /**
   * @param {Api} api
   * @param {{event: function(string, any), poll: function(): Promise, state: function(string)}} heard
   *   `event` gets each event's name and data, of which `hello` asks to read everything; `poll` does so;
   *   `state` is told "live", "polling" or "lost".
   */
  constructor(api, heard) {
    this.#api = api;
    this.#onEvent = heard.event;
    this.#onPoll = heard.poll;
    this.#onState = heard.state;
  }

  start() {
    this.#run();
  }

  stop() {
    this.#stop.abort();
  }

  async #run() {
    while (!this.#stop.signal.aborted) {
      try {
        await this.#listen();
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        if (error.status === 401) return this.#onState('refused');
      }
      this.#failures += 1;
      this.#poll();
      const longest = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (this.#failures - 1));
      // Half of it at random: many open pages must not come back at one moment.
      await this.#pause(longest * (0.5 + Math.random() / 2));
    }
  }

  /** Reads one stream to its end. */
  async #listen() {
    const end = new AbortController();
    const stopped = () => end.abort();
    this.#stop.signal.addEventListener('abort', stopped);
    let watchdog = setTimeout(stopped, SILENCE);
    try {
      const response = await this.#api.events(end.signal);
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      const parser = new EventParser(this.#onEvent);
      let isOpen = false;
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        clearTimeout(watchdog);
        watchdog = setTimeout(stopped, SILENCE);
        if (!isOpen) {
          isOpen = true;
          [this.#failures, this.#isPolling] = [0, false];
          this.#onState('live');
        }
        parser.take(value);
      }
    } finally {
      clearTimeout(watchdog);
      this.#stop.signal.removeEventListener('abort', stopped);
      end.abort();
    }
  }

  async #poll() {
    this.#isPolling = true;
    // One that hasn't noticed yet that a stream was open meanwhile goes on.
    if (this.#hasPoller) return;
    this.#hasPoller = true;
    while (this.#isPolling && !this.#stop.signal.aborted) {
      try {
        if (!document.hidden) await this.#onPoll();
        if (this.#isPolling) this.#onState('polling');
      } catch (error) {
        if (this.#isPolling) this.#onState(error.status === 401 ? 'refused' : 'lost');
      }
      await this.#pause(POLL);
    }
    this.#hasPoller = false;
  }

  #pause(milliseconds) {
    const { signal } = this.#stop;
    return new Promise((resolve) => {
      const over = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', over);
        resolve();
      };
      const timer = setTimeout(over, milliseconds);
      signal.addEventListener('abort', over);
    });
  }
}

/** Server-sent events out of pieces of text (WHATWG HTML, 9.2.6). Data is JSON; what can't be read is passed over. */
class EventParser {
  #rest = '';
  #name = 'message';
  #data = [];
  #heard;

  constructor(heard) {
    this.#heard = heard;
  }

  take(text) {
    const lines = (this.#rest + text).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop();
    for (const line of lines) this.#line(line);
  }

  #line(line) {
    if (line === '') return this.#dispatch();
    if (line.startsWith(':')) return;
    const [, field, value] = /^([^:]*):? ?(.*)$/.exec(line);
    if (field === 'event') this.#name = value;
    if (field === 'data') this.#data.push(value);
  }

  #dispatch() {
    const [name, text] = [this.#name, this.#data.join('\n')];
    this.#name = 'message';
    this.#data = [];
    if (text === '') return;
    let data;
    try {
      data = JSON.parse(text);
    } catch {
      return;
    }
    this.#heard(name, data);
  }
}
