// The options of a new task: what /options lists, in groups, with a search over names and help.

import { byID, el, setAttribute, setText, show } from './dom.js';
import { count } from './format.js';
import { groups, otherTitle, presets, titleFor } from './option-groups.js';

/** Never sent by this page: the gateway alone may set it. */
const hiddenNames = new Set(['sm-cluster']);

/** One option with its control. A value is a text, as /options has the defaults. */
class OptionRow {
  constructor(definition, changed) {
    this.name = definition.name;
    this.type = definition.type;
    this.defaultValue = String(definition.value ?? '');
    this.choices = Array.isArray(definition.domain) ? definition.domain : null;
    this.help = helpText(definition.help ?? '', this.defaultValue, this.choices ?? []);
    this.words = `${this.name} ${this.help}`.toLowerCase();
    this.id = `option-${this.name}`;
    this.control = this.#control();
    this.control.addEventListener('input', () => {
      this.refuse('');
      changed();
    });
    this.reset = el('button', {
      type: 'button', class: 'reset', 'aria-label': `Reset ${this.name} to ${this.defaultText}`,
      onclick: () => {
        this.value = this.defaultValue;
        this.control.focus();
        changed();
      },
    }, 'Reset');
    this.refusal = el('p', { class: 'refusal', id: `${this.id}-refusal`, hidden: true });
    this.element = this.#row(definition);
    this.value = this.defaultValue;
  }

  get value() {
    return this.type === 'bool' ? String(this.control.checked) : this.control.value.trim();
  }

  set value(value) {
    if (this.type === 'bool') this.control.checked = value === 'true';
    else this.control.value = value;
    this.refuse('');
  }

  get isChanged() {
    return this.value !== this.defaultValue && !(this.type === 'bool' && this.defaultValue === '' && this.value === 'false');
  }

  get defaultText() {
    if (this.type === 'bool') return this.defaultValue === 'true' ? 'on' : 'off';
    return this.defaultValue === '' ? 'empty' : this.defaultValue;
  }

  /** Whether it can have this value. */
  takes(value) {
    return this.choices === null || this.choices.includes(value);
  }

  /** Shows why the node refused the value; '' takes that back. */
  refuse(text) {
    setText(this.refusal, text);
    show(this.refusal, text !== '');
    setAttribute(this.control, 'aria-invalid', text === '' ? null : 'true');
  }

  /** Brings the mark of a changed value up to date. */
  update() {
    this.element.classList.toggle('changed', this.isChanged);
    show(this.reset, this.isChanged);
  }

  #control() {
    const described = { id: this.id, 'aria-describedby': `${this.id}-help ${this.id}-refusal` };
    if (this.type === 'bool') return el('input', { ...described, type: 'checkbox' });
    if (this.choices) {
      const options = this.choices.map((choice) => el('option', { value: choice }, choice === '' ? '(none)' : choice));
      return el('select', described, ...options);
    }
    const isNumber = this.type === 'int' || this.type === 'float';
    return el('input', {
      ...described, type: 'text', autocomplete: 'off', spellcheck: 'false', inputmode: isNumber ? 'decimal' : 'text',
    });
  }

  #row(definition) {
    const range = typeof definition.domain === 'string' && definition.domain !== '' ? ` · ${definition.domain}` : '';
    const help = el('p', { class: 'help', id: `${this.id}-help` },
      this.help, el('span', { class: 'default' }, `Default: ${this.defaultText}${range}`));
    const label = el('label', { for: this.id }, this.name);
    const head = this.type === 'bool'
      ? el('div', { class: 'option-head' }, this.control, label, this.reset)
      : el('div', { class: 'option-head' }, label, this.reset);
    return el('div', { class: 'option' }, head, this.type === 'bool' ? null : this.control, this.refusal, help);
  }
}

/** A help text without what the control itself shows; the rest of its placeholders filled in. */
function helpText(help, defaultValue, choices) {
  return help
    .replace(/\s*(Can be one of|Choose from|One of):? ?%\(choices\)s\.?/i, '')
    .replace(/\s*Default:? ?%\(default\)s\.?/i, '')
    .replaceAll('%(default)s', defaultValue || 'none')
    .replaceAll('%(choices)s', choices.filter(Boolean).join(', '));
}

/** All options of the form. Tells of changes by the event `change`. */
export class OptionPanel extends EventTarget {
  constructor() {
    super();
    this.rows = new Map();
    this.sections = [];
    this.search = byID('option-search');
    this.onlyChanged = byID('option-only-changed');
    this.search.addEventListener('input', () => this.#filter());
    this.onlyChanged.addEventListener('change', () => this.#filter());
    byID('options-reset').addEventListener('click', () => this.choose({}));
  }

  /** Shows what the node lists; values that were changed before stay. */
  list(definitions) {
    const before = this.changes;
    this.rows.clear();
    for (const definition of definitions) {
      if (hiddenNames.has(definition.name)) continue;
      this.rows.set(definition.name, new OptionRow(definition, () => this.#changed()));
    }
    for (const [name, value] of Object.entries(before)) this.#set(name, value);
    this.#layOut();
    this.#layOutPresets();
    this.#changed();
    this.#filter();
  }

  /** The options that differ from their defaults, by name. */
  get changes() {
    const changed = [...this.rows.values()].filter((row) => row.isChanged);
    return Object.fromEntries(changed.map((row) => [row.name, row.value]));
  }

  /** The changes as a task's `options` field has them. */
  get json() {
    return JSON.stringify(Object.entries(this.changes).map(([name, value]) => ({ name, value })));
  }

  /** Sets these options, and all others to their defaults. */
  choose(values) {
    for (const row of this.rows.values()) row.value = row.defaultValue;
    for (const [name, value] of Object.entries(values)) this.#set(name, value);
    this.#changed();
    this.#filter();
  }

  /**
   * Shows what the node says against options.
   * @param {string} text  an answer's `error`: for options it holds a JSON list of names and errors
   * @returns {boolean} whether it was about options
   */
  refuse(text) {
    let refusals;
    try {
      refusals = JSON.parse(text);
    } catch {
      return false;
    }
    if (!Array.isArray(refusals)) return false;
    const refused = refusals.map((refusal) => [this.rows.get(refusal?.name), String(refusal?.error ?? 'refused')])
      .filter(([row]) => row !== undefined);
    for (const [row, error] of refused) row.refuse(error);
    if (refused.length === 0) return false;
    this.#reveal(refused[0][0]);
    return true;
  }

  #set(name, value) {
    const row = this.rows.get(name);
    if (row?.takes(String(value))) row.value = String(value);
  }

  #layOut() {
    const titles = [...groups.map((group) => group.title), otherTitle];
    this.sections = titles.map((title) => {
      const rows = [...this.rows.values()].filter((row) => titleFor(row.name) === title);
      const note = el('span', { class: 'quiet small' });
      const element = el('details', { class: 'option-group' },
        el('summary', {}, el('span', {}, title), note), el('div', { class: 'options' }, ...rows.map((row) => row.element)));
      return { rows, note, element };
    }).filter((section) => section.rows.length > 0);
    byID('option-groups').replaceChildren(...this.sections.map((section) => section.element));
  }

  #layOutPresets() {
    this.presets = presets.filter((preset) =>
      Object.entries(preset.options).every(([name, value]) => this.rows.get(name)?.takes(value)));
    const choices = this.presets.map((preset) => el('label', { class: 'preset' },
      el('input', { type: 'radio', name: 'preset', value: preset.id, onchange: () => this.choose(preset.options) }),
      el('span', {}, el('strong', {}, preset.label), el('span', { class: 'help' }, preset.help))));
    byID('presets').replaceChildren(...choices);
  }

  #changed() {
    for (const row of this.rows.values()) row.update();
    const changes = this.changes;
    const number = Object.keys(changes).length;
    setText(byID('options-summary'), number === 0 ? 'all defaults' : `${count(number, 'change')} from the defaults`);
    show(byID('options-reset'), number > 0);
    const chosen = this.presets?.find((preset) => isSame(preset.options, changes));
    for (const radio of byID('presets').querySelectorAll('input')) radio.checked = radio.value === chosen?.id;
    for (const { rows, note } of this.sections) {
      const changed = rows.filter((row) => row.isChanged).length;
      setText(note, changed > 0 ? `${changed} changed of ${rows.length}` : String(rows.length));
    }
    this.dispatchEvent(new Event('change'));
  }

  /** Shows what the search finds; its groups are open as long as something is searched for. */
  #filter() {
    const words = this.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const isNarrow = words.length > 0 || this.onlyChanged.checked;
    let found = 0;
    for (const { rows, element } of this.sections) {
      const shown = rows.filter((row) => words.every((word) => row.words.includes(word))
        && (!this.onlyChanged.checked || row.isChanged));
      for (const row of rows) show(row.element, shown.includes(row));
      show(element, shown.length > 0);
      if (isNarrow) element.open = shown.length > 0;
      else if (this.wasNarrow) element.open = false;
      found += shown.length;
    }
    this.wasNarrow = isNarrow;
    setText(byID('options-found'), isNarrow ? (found === 0 ? 'No option matches.' : `${count(found, 'option')} found.`) : '');
  }

  #reveal(row) {
    this.search.value = '';
    this.onlyChanged.checked = false;
    this.#filter();
    byID('options').open = true;
    row.element.closest('details').open = true;
    row.control.focus();
  }
}

function isSame(left, right) {
  const names = Object.keys(left);
  return names.length === Object.keys(right).length && names.every((name) => left[name] === right[name]);
}
