// What to do next about a task, if anything.

import { clauseAdvice, isFinal, taskState, waitingGroups } from './words.js';

/** The attempt of which nobody knows whether it was started, and which an operator has to decide about. */
export const heldAttempt = (task) =>
  (task.attempts ?? []).find((attempt) => attempt.state === 'committing' && attempt.failure) ?? null;

/**
 * Where a task is in one sentence, and what can be done.
 * @param {object} task as /api/tasks/{uuid} has it
 * @param {Store} store
 * @param {string} reason why it waits now
 * @returns {{text: string, advice: string}}
 */
export function adviceFor(task, store, reason) {
  const { text } = taskState(task);
  const held = heldAttempt(task);
  if (held) {
    return {
      text: `${held.backend} was asked to start it, and nobody knows whether it did: ${held.failure}.`,
      advice: `See on ${held.backend} whether it runs. Retry begins it anew, also if it runs there; Cancel ends it.`,
    };
  }
  switch (task.state) {
    case 'receiving':
      return { text, advice: 'Nothing, until its client has sent all files. An upload that nobody finishes is removed after limits.stale_upload.' };
    case 'queued': return { text, advice: waitingAdvice(task, store, reason) };
    case 'dispatching':
    case 'placed': return onBackend(task, store.backends.get(task.backend), text);
    case 'completed': return { text, advice: 'Nothing: its client can download the results.' };
    case 'failed': return { text, advice: 'Read the end of its output below. Retry begins it anew with the same images and options.' };
    default: return { text, advice: isFinal(task) ? 'Nothing. Retry begins it anew.' : '' };
  }
}

function waitingAdvice(task, store, reason) {
  if (task.code === 20) return 'Nothing: it is placed once its archive is here. Three tries, then it fails with the reason.';
  if (store.backends.size === 0) return 'List a backend in the inventory: without one every task waits.';
  const groups = waitingGroups(reason, (name) => store.backends.has(name));
  if (!groups) return 'Nothing: it is placed as soon as a backend can take it.';
  const advice = groups.map(({ clause }) => clauseAdvice(clause));
  if (advice.some(({ isNormal }) => isNormal)) {
    return 'Nothing has to be done: it is placed by itself when its turn comes. What would make it sooner stands behind each backend.';
  }
  return 'No backend can take it as things are. What would change that stands behind each backend.';
}

function onBackend(task, backend, text) {
  if (!backend) return { text, advice: `${task.backend} isn't among the backends now.` };
  if (['offline', 'unread'].includes(backend.state)) {
    return {
      text: `${backend.name} doesn't answer, so what is shown is what it said last. `
        + "The task isn't lost: it may be running there, and is not started a second time.",
      advice: `Start ${backend.name}, and it goes on. If it is gone for good, evacuate it, there or by scaleodm backends evacuate `
        + `${backend.name}: that begins its tasks anew elsewhere.`,
    };
  }
  const isSwitched = ['draining', 'locked', 'retired'].includes(backend.state);
  const aside = isSwitched ? ` ${backend.name} is ${backend.state}; what is there goes on to the end.` : '';
  return { text: text + aside, advice: `Nothing: ${backend.name} answers, and its status is read again and again.` };
}
