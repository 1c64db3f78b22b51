// One task as it is seen, and what can be done with it.

import { ConsoleView } from './console-view.js';
import { announce, el, setText, show } from './dom.js';
import { ask } from './dialogs.js';
import { bytes, count, duration, moment } from './format.js';

/** NodeODM's status codes. */
export const code = { queued: 10, running: 20, failed: 30, completed: 40, canceled: 50 };

const states = {
  [code.queued]: ['queued', 'Waiting'], [code.running]: ['running', 'Running'], [code.failed]: ['failed', 'Failed'],
  [code.completed]: ['completed', 'Completed'], [code.canceled]: ['canceled', 'Cancelled'],
};

/**
 * Tells by events what the list has to know: `changed` after an action, `removed`, `options` with the task's as detail,
 * `trouble` with an error as detail.
 */
export class TaskCard extends EventTarget {
  /**
   * @param {Node} node
   * @param {string} uuid
   * @param {function(): string} formOptions  the options that the form has now, as JSON
   */
  constructor(node, uuid, formOptions) {
    super();
    this.node = node;
    this.uuid = uuid;
    this.formOptions = formOptions;
    this.info = null;
    this.readAt = -Infinity;
    this.isOpen = false;
    this.#make();
  }

  /** Whether it changes by itself. */
  get isLive() {
    return this.info === null || this.info.status.code === code.queued || this.info.status.code === code.running;
  }

  get name() {
    return this.info?.name ?? this.uuid;
  }

  /** Whether a search finds it. */
  matches(words) {
    const text = `${this.name} ${this.uuid} ${this.state.textContent}`.toLowerCase();
    return words.every((word) => text.includes(word));
  }

  /** Asks the node how the task is, and shows it. */
  async read() {
    const line = this.isOpen ? this.console?.next ?? 0 : null;
    this.#update(await this.node.task(this.uuid, line));
    this.readAt = performance.now();
    if (line === null || !this.isOpen) return;
    const isRead = this.#consoleView().take(this.info.dateCreated, line, this.info.output ?? []);
    if (!isRead) await this.read();
  }

  // MARK: Elements

  #make() {
    const titleID = `task-${this.uuid}`;
    this.title = el('h3', { id: titleID, tabindex: '-1' }, this.uuid);
    this.state = el('span', { class: 'badge' });
    this.bar = el('progress', { max: '100', value: '0', 'aria-labelledby': titleID });
    this.facts = el('p', { class: 'quiet small' });
    this.trouble = el('p', { class: 'notice bad', hidden: true });
    this.answer = el('p', { class: 'notice', role: 'status', hidden: true });
    this.buttons = {
      download: this.#button('Download all.zip', () => this.#download('all.zip'), 'primary'),
      cancel: this.#button('Cancel', () => this.#cancel()),
      restart: this.#button('Restart', () => this.#restart()),
      remove: this.#button('Remove', () => this.#remove(), 'danger'),
    };
    this.more = el('button', { type: 'button', 'aria-expanded': 'false', 'aria-controls': `${titleID}-more`, onclick: () => this.toggle() }, 'Details');
    this.options = el('dd');
    this.results = el('ul', { class: 'results' });
    this.resultsBox = el('div', { hidden: true }, el('h4', {}, 'Single results'), this.results);
    this.consolePlace = el('div');
    this.body = el('div', { class: 'task-more', id: `${titleID}-more`, hidden: true },
      el('dl', { class: 'facts' }, el('dt', {}, 'Task'), el('dd', {}, el('code', {}, this.uuid)),
        el('dt', {}, 'Options'), this.options),
      this.resultsBox, this.consolePlace);
    const article = el('article', { class: 'task', 'aria-labelledby': titleID },
      el('div', { class: 'row between' }, this.title, this.state), this.bar, this.facts, this.trouble,
      el('div', { class: 'row' }, ...Object.values(this.buttons), this.more), this.answer, this.body);
    this.element = el('li', { 'data-task': this.uuid, hidden: true }, article);
  }

  #button(text, act, kind = '') {
    return el('button', { type: 'button', class: kind, hidden: true, onclick: () => this.#doing(act) }, text);
  }

  /** Runs what a button does; its refusal is shown in the card. */
  async #doing(act) {
    this.#say('');
    try {
      await act();
    } catch (error) {
      if (error.kind === 'unauthorized') this.dispatchEvent(new CustomEvent('trouble', { detail: error }));
      else this.#say(error.message, true);
    }
  }

  #say(text, isBad = false) {
    this.answer.classList.toggle('bad', isBad);
    setText(this.answer, text);
    show(this.answer, text !== '');
  }

  /** A button names its task only to who can't see where it stands. */
  #nameButtons() {
    const buttons = { ...this.buttons, details: this.more };
    for (const button of Object.values(buttons)) button.setAttribute('aria-label', `${button.textContent}: ${this.name}`);
  }

  // MARK: State

  #update(info) {
    const before = this.info;
    this.info = info;
    const [state, word] = states[info.status.code] ?? ['queued', `State ${info.status.code}`];
    const isStarting = info.status.code === code.running && info.processingTime < 0;
    this.element.dataset.state = state;
    setText(this.title, this.name);
    setText(this.state, isStarting ? 'Starting' : word);
    this.bar.value = info.progress;
    show(this.bar, this.isLive);
    setText(this.facts, this.#factsText());
    const trouble = info.status.errorMessage ?? (state === 'failed' ? 'The task failed; its console says more.' : '');
    setText(this.trouble, trouble);
    show(this.trouble, trouble !== '');
    show(this.buttons.download, state === 'completed');
    show(this.buttons.cancel, this.isLive);
    show(this.buttons.restart, !this.isLive);
    show(this.buttons.remove, true);
    this.#nameButtons();
    this.#updateOptions();
    if (before && before.status.code !== info.status.code) this.#noteTransition(word);
  }

  #factsText() {
    const { info } = this;
    const parts = [];
    if (info.imagesCount > 0) parts.push(count(info.imagesCount, 'image'));
    if (this.isLive && info.processingTime >= 0) parts.push(`${Math.floor(info.progress)} %`);
    if (info.processingTime > 0) parts.push(`${this.isLive ? 'running for' : 'took'} ${duration(info.processingTime)}`);
    parts.push(`created ${moment(new Date(info.dateCreated))}`);
    return parts.join(' · ');
  }

  #updateOptions() {
    const text = this.info.options.map(({ name, value }) => `${name}: ${value}`).join(', ') || 'all defaults';
    if (this.optionsText === text) return;
    this.optionsText = text;
    const take = el('button', { type: 'button', onclick: () => this.#offerOptions() }, 'Use these for a new task');
    this.options.replaceChildren(text, ' ', take);
  }

  #offerOptions() {
    const values = Object.fromEntries(this.info.options.map(({ name, value }) => [name, String(value)]));
    this.dispatchEvent(new CustomEvent('options', { detail: values }));
  }

  #noteTransition(word) {
    announce(`${this.name}: ${word}`);
    if (this.isOpen) this.#doing(() => this.#readResults());
  }

  // MARK: Details

  /** Opens or closes console, options and results. */
  toggle(isOpen = !this.isOpen) {
    this.isOpen = isOpen;
    this.more.setAttribute('aria-expanded', String(isOpen));
    show(this.body, isOpen);
    if (isOpen) {
      this.#consoleView();
      this.#doing(async () => {
        await this.read();
        await this.#readResults();
      });
    }
  }

  #consoleView() {
    if (!this.console) {
      this.console = new ConsoleView(this.name, () => this.#doing(() => this.#saveConsole()));
      this.consolePlace.append(this.console.element);
    }
    return this.console;
  }

  async #saveConsole() {
    const text = await this.node.console(this.uuid);
    const url = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
    save(url, `${this.uuid}-console.txt`);
    // The browser has the bytes once the click was handled.
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  }

  async #readResults() {
    if (this.info.status.code !== code.completed) return show(this.resultsBox, false);
    const { assets, files = [] } = await this.node.assets(this.uuid);
    const single = assets.filter((asset) => asset.exists && asset.name !== 'all.zip').map(({ name }) => ({ name, note: '' }));
    const others = files.filter((file) => file.key !== 'all.zip').map((file) => ({ name: file.key, note: bytes(file.size) }));
    this.results.replaceChildren(...[...single, ...others].map(({ name, note }) => el('li', {},
      el('button', { type: 'button', onclick: () => this.#doing(() => this.#download(name)) }, name),
      el('span', { class: 'quiet small' }, note))));
    show(this.resultsBox, this.results.children.length > 0);
  }

  // MARK: Actions

  async #download(asset) {
    await this.node.checkDownload(this.uuid, asset);
    save(this.node.download(this.uuid, asset), asset.split('/').at(-1));
    announce(`The download of ${asset} begins.`);
  }

  async #cancel() {
    const answer = await ask({ title: 'Cancel this task?', text: `“${this.name}” stops, and what it has done so far is lost.`, action: 'Cancel the task', isDanger: true });
    if (answer === null) return;
    await this.#act('cancel');
  }

  async #restart() {
    const options = this.formOptions();
    const isOther = options !== '[]';
    const answer = await ask(
      { title: 'Restart this task?', text: `“${this.name}” is processed again; its present results are replaced.`, action: 'Restart' },
      [{ value: 'same', label: 'With the options it had' },
        { value: 'form', label: isOther ? 'With the options of the form for a new task' : 'With all options at their defaults' }]);
    if (answer === null) return;
    await this.#act('restart', answer === 'form' ? { options } : {});
  }

  async #remove() {
    const answer = await ask({ title: 'Remove this task?', text: `“${this.name}”, its images and its results are deleted for good.`, action: 'Remove it', isDanger: true });
    if (answer === null) return;
    await this.node.act('remove', this.uuid);
    announce(`${this.name} was removed.`);
    this.dispatchEvent(new Event('removed'));
  }

  async #act(verb, fields) {
    await this.node.act(verb, this.uuid, fields);
    await this.read();
    this.dispatchEvent(new Event('changed'));
  }
}

/** Saves what an address gives; a link with `download` is never followed. */
function save(url, name) {
  const link = el('a', { href: String(url), download: name, hidden: true });
  document.body.append(link);
  link.click();
  link.remove();
}
