// The NodeODM API of the gateway that served this page.

/** Why a call wasn't done. `kind` is one of: unauthorized, unreachable, busy, refused. */
export class NodeError extends Error {
  constructor(kind, message, status = 0) {
    super(message);
    this.kind = kind;
    this.status = status;
  }

  /** Whether the same call may well succeed a little later. */
  get passes() {
    return this.kind === 'unreachable' || this.kind === 'busy';
  }
}

const badToken = 'Invalid authentication token';

/**
 * What an answer says.
 *
 * NodeODM tells nearly every failure with status 200 and an `error`; a bad token too, where the gateway is set to.
 * @returns the JSON of a success
 * @throws {NodeError}
 */
function outcome(status, text) {
  let json = null;
  try {
    json = JSON.parse(text);
  } catch {
    // Told below, by the status or as an answer that isn't the API's.
  }
  const error = json && !Array.isArray(json) && typeof json.error === 'string' ? json.error : null;
  if (status === 401 || error?.startsWith(badToken)) throw new NodeError('unauthorized', error ?? badToken, status);
  if (status >= 500 || status === 429) {
    throw new NodeError('busy', error ?? `The gateway answered with status ${status}.`, status);
  }
  if (error !== null) throw new NodeError('refused', error, status);
  if (status !== 200 || json === null) {
    throw new NodeError('refused', `The gateway gave an answer that isn't understood (status ${status}).`, status);
  }
  return json;
}

const unreachable = () => new NodeError('unreachable', "The gateway doesn't answer.");

/** The gateway's calls. */
export class Node {
  /**
   * @param {URL} root   where the API is
   * @param {Token} token  what to show on each call
   */
  constructor(root, token) {
    this.root = root;
    this.token = token;
  }

  url(path, query = {}) {
    const url = new URL(path, this.root);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    return url;
  }

  get headers() {
    return this.token.value ? { Authorization: `Bearer ${this.token.value}` } : {};
  }

  async call(path, { query = {}, form = null, method = form ? 'POST' : 'GET', signal = null } = {}) {
    let response;
    let text;
    try {
      response = await fetch(this.url(path, query), {
        method, body: form, signal, headers: this.headers, cache: 'no-store', credentials: 'omit',
      });
      text = await response.text();
    } catch (error) {
      if (signal?.aborted) throw error;
      throw unreachable();
    }
    return outcome(response.status, text);
  }

  // MARK: The node

  info() {
    return this.call('info');
  }

  options() {
    return this.call('options');
  }

  /** Where people get a token, if the gateway says so. */
  authentication() {
    return this.call('auth/info');
  }

  // MARK: New tasks

  /** Opens an upload. */
  async init(fields, signal) {
    return (await this.call('task/new/init', { form: form(fields), signal })).uuid;
  }

  /** Makes a task of an address alone. */
  async create(fields, signal) {
    return (await this.call('task/new', { form: form(fields), signal })).uuid;
  }

  async commit(uuid, signal) {
    return (await this.call(`task/new/commit/${uuid}`, { method: 'POST', signal })).uuid;
  }

  /**
   * Sends one file; XMLHttpRequest, since fetch doesn't tell how far it is.
   * @param {string} uuid
   * @param {File} file
   * @param {function(number)} progress  told of the bytes sent so far
   * @param {AbortSignal} signal
   */
  upload(uuid, file, progress, signal) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      const watch = new Stillness(() => request.abort());
      const settle = (act) => () => {
        watch.end();
        signal.removeEventListener('abort', stop);
        act();
      };
      const stop = () => request.abort();
      request.open('POST', this.url(`task/new/upload/${uuid}`));
      for (const [name, value] of Object.entries(this.headers)) request.setRequestHeader(name, value);
      request.upload.addEventListener('progress', (event) => {
        watch.note();
        progress(Math.min(event.loaded, file.size));
      });
      request.addEventListener('load', settle(() => {
        try {
          resolve(outcome(request.status, request.responseText));
        } catch (error) {
          reject(error);
        }
      }));
      request.addEventListener('error', settle(async () => reject(await whyNotSent(file))));
      request.addEventListener('abort', settle(() => reject(signal.aborted ? signal.reason : unreachable())));
      signal.addEventListener('abort', stop);
      request.send(form({ images: file }));
    });
  }

  // MARK: Tasks

  async list() {
    const tasks = await this.call('task/list');
    return tasks.map((task) => task.uuid);
  }

  /** A task's state; with the console's lines from number `line` on, where that is given. */
  task(uuid, line = null) {
    return this.call(`task/${uuid}/info`, { query: line === null ? {} : { with_output: line } });
  }

  /** The results that a task has. */
  assets(uuid) {
    return this.call(`task/${uuid}/assets`, { query: { includeAdditional: 'true', additionalLimit: '200' } });
  }

  /** Asks for cancel, remove or restart. */
  act(verb, uuid, fields = {}) {
    return this.call(`task/${verb}`, { form: new URLSearchParams({ uuid, ...fields }) });
  }

  /** The whole console as text. */
  async console(uuid) {
    const lines = await this.call(`task/${uuid}/output`, { query: { line: '0' } });
    return lines.join('\n') + '\n';
  }

  /** Where a result is fetched. A link can send no header: so the token stands in the address, as NodeODM has it. */
  download(uuid, asset) {
    const path = asset.split('/').map(encodeURIComponent).join('/');
    return this.url(`task/${uuid}/download/${path}`, this.token.value ? { token: this.token.value } : {});
  }

  /**
   * Asks for a result's head, so that a refusal is told instead of saved as a file.
   * @throws {NodeError}
   */
  async checkDownload(uuid, asset) {
    const url = this.download(uuid, asset);
    let head;
    try {
      head = await fetch(url, { method: 'HEAD', redirect: 'manual', cache: 'no-store', credentials: 'omit' });
    } catch {
      throw unreachable();
    }
    if (head.type === 'opaqueredirect') return;
    const isError = (head.headers.get('Content-Type') ?? '').startsWith('application/json');
    if (head.ok && (head.headers.has('Content-Disposition') || !isError)) return;
    await this.call(`task/${uuid}/download/${asset}`);
  }
}

/** A file that was moved or changed since it was chosen looks like a broken connection. */
async function whyNotSent(file) {
  try {
    await file.slice(0, 1).arrayBuffer();
    return unreachable();
  } catch {
    return new NodeError('refused', 'The file can no longer be read: it was moved or changed. Choose it again.');
  }
}

/** Ends a transfer that has not moved for two minutes: some networks drop connections without a word. */
class Stillness {
  constructor(end) {
    this.act = end;
    this.note();
  }

  note() {
    clearTimeout(this.timer);
    this.timer = setTimeout(this.act, 120_000);
  }

  end() {
    clearTimeout(this.timer);
  }
}

function form(fields) {
  const data = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    if (value instanceof File) data.append(name, value, value.name);
    else if (value !== null && value !== undefined && value !== '') data.append(name, value);
  }
  return data;
}
