// The admin API. Every call carries the token in a header; a change carries the header that no page of another origin can send.

/** What the gateway refused, in its own words, or that it couldn't be reached (status 0). */
class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

const PATIENCE = 20_000;

export class Api {
  /** @param {string|null} token the admin token; null where the gateway wants none. */
  constructor(token) {
    this.token = token;
  }

  get headers() {
    return this.token ? { Authorization: `Bearer ${this.token}` } : {};
  }

  /** Asks for JSON. `query` leaves out what is empty, and has an array's values one by one. */
  get(path, query = {}) {
    const pairs = Object.entries(query).flatMap(([name, values]) => [values].flat().map((value) => [name, value]))
      .filter(([, value]) => value !== null && value !== undefined && value !== '');
    const text = new URLSearchParams(pairs).toString();
    return this.#call('GET', text ? `${path}?${text}` : path, {});
  }

  /** Asks what an older gateway doesn't answer yet: null then. */
  async getIfThere(path, query) {
    try {
      return await this.get(path, query);
    } catch (error) {
      if (error.status === 404 || error.status === 405) return null;
      throw error;
    }
  }

  /** Changes something. */
  change(method, path, body) {
    const headers = { 'X-ScaleODM-Admin': '1' };
    if (body !== undefined) headers['Content-Type'] = 'application/json';
    return this.#call(method, path, headers, body);
  }

  /** What /readyz says of database, storage and backends: also its 503 is an answer. */
  async checks() {
    const response = await fetch('readyz?verbose', { signal: AbortSignal.timeout(PATIENCE) });
    return response.json();
  }

  /** The open stream of events. */
  async events(signal) {
    const response = await fetch('api/events', {
      headers: { ...this.headers, Accept: 'text/event-stream' }, cache: 'no-store', signal,
    });
    if (!response.ok) throw await refusal(response);
    return response;
  }

  async #call(method, path, headers, body) {
    let response;
    try {
      response = await fetch(path, {
        method, headers: { ...this.headers, ...headers }, body: body === undefined ? undefined : JSON.stringify(body),
        cache: 'no-store', signal: AbortSignal.timeout(PATIENCE),
      });
    } catch (error) {
      throw new Refusal(0, error.name === 'TimeoutError' ? 'The gateway did not answer in time.' : "The gateway can't be reached.");
    }
    if (!response.ok) throw await refusal(response);
    return response.json();
  }
}

async function refusal(response) {
  let text = `The gateway answered ${response.status}.`;
  try {
    const { error, problems } = await response.json();
    text = [error, ...(problems ?? [])].filter(Boolean).join(' ') || text;
  } catch {
    // No JSON: the status has to do.
  }
  return new Refusal(response.status, text);
}

/** One segment of a path, whatever it contains. */
export const segment = (text) => encodeURIComponent(text);
