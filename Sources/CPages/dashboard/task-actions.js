// What an operator does to a task: each with what will happen, before it does.

import { confirmed } from './dialog.js';
import { h } from './tree.js';
import { heldAttempt } from './advice.js';
import { segment } from './api.js';
import { troubleRank, isFinal } from './words.js';

const path = (task, verb) => `api/tasks/${segment(task.uuid)}${verb ? `/${verb}` : ''}`;

/** The buttons of one task; `done` is called after a change. */
export function taskButtons(task, store, done) {
  const name = task.name || task.uuid;
  const button = (text, act, isGrave) =>
    h('button.small', {
      type: 'button', class: isGrave ? 'danger' : null,
      onclick: async () => { await act(task, store, name); done(); },
    }, text);
  const canRetry = ['failed', 'canceled'].includes(task.state) || heldAttempt(task);
  const canMove = ['queued', 'dispatching', 'placed'].includes(task.state);
  return [
    canRetry && button('Retry', retry), canMove && button('Move', move),
    !isFinal(task) && task.state !== 'receiving' && button('Cancel', cancel),
    button('Remove', remove, true),
  ];
}

async function retry(task, store, name) {
  const held = heldAttempt(task);
  const isMeant = await confirmed({
    title: `Retry ${name}?`, button: 'Retry it', isGrave: held !== null,
    texts: [held
      ? `Nobody knows whether ${held.backend} runs it. If it does, it will run twice. It is placed anew, on any backend.`
      : 'It goes back into the queue with the same images and options, and begins anew. What an earlier run left is removed.'],
  });
  if (isMeant) await store.change('POST', path(task, 'retry'), undefined, `${name} begins anew.`);
}

async function move(task, store, name) {
  const others = store.backendsByTrouble((backend) => -troubleRank(backend))
    .filter((backend) => backend.name !== task.backend && backend.state !== 'retired');
  const select = h('select', { id: 'move-to' }, h('option', { value: '' }, 'where the policy places it'),
    others.map((backend) => h('option', { value: backend.name }, `${backend.name} (${backend.state})`)));
  const runs = task.state === 'placed';
  const isMeant = await confirmed({
    title: `Move ${name}?`, button: 'Move it', isGrave: runs, field: h('p', null, h('label', { for: 'move-to' }, 'To '), select),
    texts: [moving(task), 'With a backend chosen here it waits for that one, and for no other.'],
  });
  if (!isMeant) return;
  const to = select.value;
  await store.change('POST', path(task, 'move'), to ? { to } : {}, `${name} is moved${to ? ` to ${to}` : ''}.`);
}

function moving(task) {
  switch (task.state) {
    case 'placed':
      return `Its run on ${task.backend} is ended, and once that is seen it begins anew elsewhere, from the start: `
        + `what was computed there (${Math.floor(task.progress)} %) is lost.`;
    case 'dispatching': return `It has not begun, so nothing is lost: what was sent to ${task.backend} is discarded, and its images are sent anew.`;
    default: return 'It has not begun, so nothing is lost.';
  }
}

async function cancel(task, store, name) {
  const isMeant = await confirmed({
    title: `Cancel ${name}?`, button: 'Cancel the task', isGrave: true,
    texts: [task.state === 'queued'
      ? 'It leaves the queue, and its client sees it as cancelled. Retry can begin it anew.'
      : `It is ended on ${task.backend}, and its client sees it as cancelled at once. Retry can begin it anew.`],
  });
  if (isMeant) await store.change('POST', path(task, 'cancel'), undefined, `${name} is cancelled.`);
}

async function remove(task, store, name) {
  const isMeant = await confirmed({
    title: `Remove ${name}?`, button: 'Remove it for good', isGrave: true,
    texts: ["The task, its images, its results and this history are removed here and on its backend. It can't be taken back."],
  });
  if (!isMeant) return;
  const answer = await store.change('DELETE', path(task), undefined, `${name} is removed.`);
  if (answer) location.hash = '#/tasks';
}
