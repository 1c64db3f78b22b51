// What an operator does to a backend: each with what will happen, before it does.

import { confirmed } from './dialog.js';
import { h } from './tree.js';
import { count } from './format.js';
import { segment } from './api.js';

const path = (backend, verb) => `api/backends/${segment(backend.name)}/${verb}`;

/** The buttons of one backend. */
export function switches(backend, store) {
  const button = (text, act, isGrave) =>
    h('button.small', {
      type: 'button', class: isGrave ? 'danger' : null, 'aria-label': `${text} ${backend.name}`, onclick: () => act(backend, store),
    }, text);
  if (backend.state === 'retired') return h('span.buttons', null, button('Evacuate', evacuate, true));
  return h('span.buttons', null,
    backend.locked ? button('Unlock', unlock) : button('Lock', lock),
    backend.draining ? button('Undrain', undrain) : button('Drain', drain),
    button('Evacuate', evacuate, true));
}

async function turn(backend, store, verb, said, undo) {
  const answer = await store.change('POST', path(backend, verb), undefined, said, undo);
  if (answer?.name) store.event('backend', answer);
}

const running = (backend) => count(backend.tasks, 'task');

async function lock(backend, store) {
  const isMeant = await confirmed({
    title: `Lock ${backend.name}?`, button: `Lock ${backend.name}`,
    texts: [`It gets no new tasks from now on. ${there(backend)} Nothing is moved and nothing is lost; Unlock takes it back.`],
  });
  if (isMeant) await turn(backend, store, 'lock', `${backend.name} is locked: it gets no new tasks.`, () => unlock(backend, store));
}

const there = (backend) =>
  backend.tasks === 0 ? 'It has no tasks of ours now.' : `${running(backend)} of ours there ${backend.tasks === 1 ? 'goes' : 'go'} on to the end.`;

const unlock = (backend, store) => turn(backend, store, 'unlock', `${backend.name} may have tasks again.`);

async function drain(backend, store) {
  const isMeant = await confirmed({
    title: `Drain ${backend.name}?`, button: `Drain ${backend.name}`,
    texts: [
      `It gets no new tasks. Those whose images are still being sent there are placed elsewhere, and those that run go on to the end.`,
      `${there(backend)} Once none is left it can be taken down. Undrain takes it back.`,
    ],
  });
  if (isMeant) await turn(backend, store, 'drain', `${backend.name} is draining.`, () => undrain(backend, store));
}

const undrain = (backend, store) => turn(backend, store, 'undrain', `${backend.name} may have tasks again.`);

async function evacuate(backend, store) {
  const isMeant = await confirmed({
    title: `Evacuate ${backend.name}?`, button: `Begin its tasks anew elsewhere`, isGrave: true,
    texts: [
      backend.tasks === 0
        ? `It has no unfinished tasks of ours now; it is set to draining and gets no new ones.`
        : `${running(backend)} of ours there ${backend.tasks === 1 ? 'is' : 'are'} given up at once and begun anew on other backends, `
          + 'from the start: what was computed is lost.',
      `This is for a backend that is gone, or has to be. If it only needs rest, drain it: then what runs there is finished.`,
      `What is left on it is removed when it answers. It stays draining until you undrain it. Tasks whose images are gone stay there.`,
    ],
  });
  if (!isMeant) return;
  await store.change('POST', path(backend, 'evacuate'), undefined, ({ moved, left }) => {
    const rest = left > 0 ? `; ${left} stay, since their images are gone or they need the project there` : '';
    return `${count(moved, 'task')} moved away from ${backend.name}${rest}.`;
  });
  store.refresh().catch(() => null);
}
