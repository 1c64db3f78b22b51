// The form of a new task: files or an address, a name, options.

import { announce, byID, el, setText, show } from './dom.js';
import { acceptDrops } from './dropping.js';
import { bytes, count } from './format.js';

/** What the engine takes as an image; other files go with them: ground control points, positions, a seed. */
const imageName = /\.(jpe?g|tiff?|png|dng|webp)$/i;

/** Tells by the event `submit` that a task is wanted; its `detail` has `files` and `fields`. */
export class NewTaskForm extends EventTarget {
  /** @param {OptionPanel} options */
  constructor(options) {
    super();
    this.options = options;
    this.files = new Map();
    this.maxImages = null;
    this.form = byID('new-task');
    acceptDrops(byID('drop-zone'), (files) => this.add(files));
    this.#pickBy('choose-files', 'file-input');
    this.#pickBy('choose-folder', 'folder-input');
    byID('remove-files').addEventListener('click', () => {
      this.clear();
      byID('choose-files').focus();
    });
    byID('zip-url').addEventListener('input', () => this.#update());
    this.form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#update();
  }

  /** Adds files; one that is there already, by name, size and time, is left out. */
  add(files) {
    const before = this.files.size;
    for (const file of files) {
      if (file.name.startsWith('.')) continue;
      this.files.set(`${file.name}|${file.size}|${file.lastModified}`, file);
    }
    const added = this.files.size - before;
    announce(added === 0 ? 'No new file.' : `${count(added, 'file')} added.`);
    this.#update();
  }

  /** Forgets the files, after they went on their way. */
  clear() {
    this.files.clear();
    this.#update();
  }

  /** Makes the form ready for the next task; the options stay. */
  reset() {
    byID('task-name').value = '';
    byID('zip-url').value = '';
    this.clear();
    this.refuse('');
  }

  /** The most images that the node takes; null: as many as there are. */
  limit(maxImages) {
    this.maxImages = maxImages;
    this.#update();
  }

  /** Says what is wrong; '' takes that back. */
  refuse(text) {
    const place = byID('form-refusal');
    setText(place, text);
    show(place, text !== '');
  }

  #pickBy(button, input) {
    byID(button).addEventListener('click', () => byID(input).click());
    byID(input).addEventListener('change', (event) => {
      this.add(event.target.files);
      // The same files can be chosen again after they were removed.
      event.target.value = '';
    });
  }

  get #images() {
    return [...this.files.values()].filter((file) => imageName.test(file.name)).length;
  }

  #update() {
    const images = this.#images;
    const others = this.files.size - images;
    const size = [...this.files.values()].reduce((sum, file) => sum + file.size, 0);
    const parts = [count(images, 'image'), others > 0 ? count(others, 'other file') : null, bytes(size)].filter(Boolean);
    setText(byID('files-summary'), parts.join(', '));
    show(byID('files'), this.files.size > 0);
    this.#list();
    const isTooMany = this.maxImages !== null && images > this.maxImages;
    const limit = byID('limit-refusal');
    setText(limit, isTooMany ? `This node takes up to ${count(this.maxImages, 'image')} in one task. Remove ${images - this.maxImages}.` : '');
    show(limit, isTooMany);
    const hasInput = this.files.size > 0 || byID('zip-url').value.trim() !== '';
    byID('start').disabled = !hasInput || isTooMany;
    setText(byID('start-hint'), hasInput ? '' : 'Add images, or the address of a zip file, first.');
  }

  #list() {
    const rows = [...this.files].map(([key, file]) => el('li', {},
      el('span', { class: 'file-name' }, file.name), el('span', { class: 'quiet' }, bytes(file.size)),
      el('button', { type: 'button', 'aria-label': `Remove ${file.name}`, onclick: (event) => this.#remove(key, event) }, '×')));
    byID('file-list').replaceChildren(...rows);
  }

  #remove(key, event) {
    const place = [...event.currentTarget.closest('ol').children].indexOf(event.currentTarget.closest('li'));
    this.files.delete(key);
    this.#update();
    // The row is gone, and with it the focus: it goes to the next one.
    const rows = byID('file-list').children;
    const next = rows[Math.min(place, rows.length - 1)]?.querySelector('button') ?? byID('choose-files');
    next.focus();
  }

  #submit() {
    this.refuse('');
    const fields = {
      name: byID('task-name').value.trim(), options: this.options.json, zipurl: byID('zip-url').value.trim(),
    };
    this.dispatchEvent(new CustomEvent('submit', { detail: { files: [...this.files.values()], fields } }));
  }
}
