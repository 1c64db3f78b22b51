// Questions before what can't be taken back, and notices of what was done.

import { h } from './tree.js';

/**
 * Asks whether something is meant.
 * @param {{title: string, texts: string[], button: string, isGrave: boolean, field: HTMLElement|undefined}} question `field` is asked beside it.
 * @returns {Promise<boolean>}
 */
export function confirmed({ title, texts, button, isGrave = false, field }) {
  return new Promise((resolve) => {
    let isMeant = false;
    const dialog = h('dialog', { 'aria-labelledby': 'question' },
      h('form', { method: 'dialog', onsubmit: () => { isMeant = true; } },
        h('h2', { id: 'question' }, title),
        texts.map((text) => h('p', null, text)),
        field,
        h('div.buttons', null,
          h('button', { type: 'button', onclick: () => dialog.close() }, 'Change nothing'),
          h('button', { type: 'submit', class: isGrave ? 'danger' : 'primary' }, button))));
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(isMeant);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

const STAY = 8000;

/** Says what was done, or why not; what went wrong stays until it is closed. */
export function notice(text, { isBad = false, undo } = {}) {
  const place = document.getElementById('notices');
  const item = h('div.toast', { class: isBad ? 'bad' : 'good' }, h('span', null, text),
    undo && h('button', { type: 'button', onclick: () => { item.remove(); undo(); } }, 'Undo'),
    h('button.close', { type: 'button', 'aria-label': 'Close this notice', onclick: () => item.remove() }, '×'));
  while (place.childElementCount > 3) place.firstElementChild.remove();
  place.append(item);
  if (!isBad) setTimeout(() => item.remove(), STAY);
}
