// Questions that must be answered before something goes on.

import { byID, el, setText, show } from './dom.js';

/**
 * Asks before something is done.
 * @param {Object} question  title, text, and action: the word on the button that goes on
 * @param {Object[]} choices  value and label of what can be chosen beside it; the first is chosen
 * @returns {Promise<string|null>} the chosen value, '' without choices; null where the answer is no
 */
export function ask({ title, text, action, isDanger = false }, choices = []) {
  const dialog = byID('question');
  setText(byID('question-title'), title);
  setText(byID('question-text'), text);
  const yes = byID('question-yes');
  setText(yes, action);
  yes.className = isDanger ? 'danger' : 'primary';
  const labels = choices.map(({ value, label }, place) => el('label', { class: 'row' },
    el('input', { type: 'radio', name: 'choice', value, checked: place === 0 }), label));
  byID('question-choices').replaceChildren(...labels);
  return answered(dialog, () => dialog.querySelector('input[name=choice]:checked')?.value ?? '');
}

/**
 * Asks for the token.
 * @param {Token} token  gets the answer
 * @param {string} reason  why it is asked for; '' where the viewer wanted it
 * @param {string|null} loginURL  where people get one, if the gateway says so
 */
export async function askForToken(token, reason, loginURL) {
  const dialog = byID('token-dialog');
  if (dialog.open) return;
  const field = byID('token-field');
  field.value = token.value;
  byID('token-kept').checked = token.isKept;
  const refusal = byID('token-refusal');
  setText(refusal, reason);
  show(refusal, reason !== '');
  const login = byID('token-login');
  show(login, loginURL !== null);
  if (loginURL !== null) login.querySelector('a').href = loginURL;
  const answer = await answered(dialog, () => field.value.trim());
  if (answer !== null) token.set(answer, byID('token-kept').checked);
}

function answered(dialog, answer) {
  return new Promise((resolve) => {
    dialog.returnValue = '';
    // What only closes is no submit button: Enter must mean the answer that the field was filled for.
    for (const no of dialog.querySelectorAll('[data-no]')) no.onclick = () => dialog.close();
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'yes' ? answer() : null), { once: true });
    dialog.showModal();
  });
}
