// What the gateway's words mean for people who have never seen them.

import { clock, milliseconds } from './figures.js';

const waits = (word, text) => ({ word, tone: 'wait', text });
const busy = (word, text) => ({ word, tone: 'busy', text });

const tasks = {
  receiving: () => waits('Uploading', 'Its files are arriving.'),
  queued: ({ code }) => (code === 20
    ? waits('Fetching', 'The gateway fetches its archive.')
    : waits('Waiting', 'It waits in the gateway for a backend with a free slot.')),
  dispatching: () => busy('Being sent', 'A backend is chosen, and its images are on their way.'),
  placed: ({ code }) => (code === 10
    ? busy('Accepted', 'Its backend has it and will begin.')
    : busy('Running', 'Its backend works on it.')),
  completed: () => ({ word: 'Completed', tone: 'good', text: 'It ended well.' }),
  failed: () => ({ word: 'Failed', tone: 'bad', text: 'It ended with an error.' }),
  canceled: () => ({ word: 'Cancelled', tone: 'quiet', text: 'Its owner or an operator ended it.' }),
};

const unknown = (state) => ({ word: state, tone: 'quiet', text: '' });

/** A task's state: its word, how it is coloured, and one sentence. */
export const taskState = (task) => tasks[task.state]?.(task) ?? unknown(task.state);

export const taskStates = [
  ['receiving', 'Uploading'], ['queued', 'Waiting'], ['dispatching', 'Being sent'], ['placed', 'On a backend'],
  ['completed', 'Completed'], ['failed', 'Failed'], ['canceled', 'Cancelled'],
];

export const isFinal = (task) => ['completed', 'failed', 'canceled'].includes(task.state);

const isFull = (backend) => backend.slots !== null && backend.unfinished >= backend.slots;

const backendStates = {
  online: (backend) => (isFull(backend)
    ? busy('Full', 'It answers, and all its slots are in use.')
    : { word: 'Online', tone: 'good', text: 'It answers and has free slots.' }),
  offline: (backend) => ({
    word: 'Offline', tone: 'bad',
    text: `${silence(backend)} Its tasks aren't lost: it may still be running them, so they are not started elsewhere.`,
    advice: 'Start it, and see that its url and token are right. If it will not be back, begin its tasks elsewhere: '
      + `Evacuate, or scaleodm backends evacuate ${backend.name}`,
  }),
  unread: () => ({
    ...waits('Not read yet', "It hasn't answered since the gateway was started."),
    advice: 'Wait a moment; then see that it runs and that its url is right.',
  }),
  locked: () => ({
    ...waits('Locked', 'An operator locked it: it gets no new tasks, and those there go on.'),
    advice: 'Unlock it when it may have tasks again.',
  }),
  draining: () => ({
    ...waits('Draining', 'An operator drains it: it gets no new tasks, those there go on, and what had not begun went elsewhere.'),
    advice: 'Undrain it when it may have tasks again.',
  }),
  retired: () => ({
    word: 'Retired', tone: 'quiet', text: 'It left the inventory: it serves the tasks and results that it has, and gets none.',
    advice: 'It goes by itself once nothing is left there.',
  }),
};

/** A backend's state: its word, colour, what it means and what can be done. */
export const backendState = (backend) => backendStates[backend.state]?.(backend) ?? unknown(backend.state);

/** Since when it is offline, where that is known. */
const silence = ({ offlineSince }) => (offlineSince
  ? `It hasn't answered since ${clock(milliseconds(offlineSince))}.`
  : "It doesn't answer.");

/** Trouble first: a smaller number is worse. */
export function troubleRank(backend) {
  const ranks = { offline: 0, unread: 1, draining: 3, locked: 3, retired: 4 };
  if (backend.state in ranks) return ranks[backend.state];
  if (backend.lastError) return 2;
  return isFull(backend) ? 5 : 6;
}

export const isTrouble = (backend) => troubleRank(backend) < 3;

const events = {
  initialized: 'Upload began', committed: 'Submitted', uploadAbandoned: 'Upload given up',
  fetchStarted: 'Fetching its archive', fetchFailed: 'Fetching failed', fetched: 'Archive fetched',
  waiting: 'Waits', passedOver: 'Passed over', prefetching: 'Images are sent ahead', prefetchMoved: 'Sent ahead elsewhere',
  promoted: 'Gets its slot', chosen: 'Backend chosen', sending: 'Images are being sent', committing: 'Backend is asked to start it',
  accepted: 'Backend accepted it', released: 'Taken back from the backend', refused: 'Backend refused it', renamed: 'Renamed there',
  imagesDiffer: 'Backend counts other images than were sent', outcomeUnknown: 'No answer: nobody knows whether it was started',
  running: 'Running', sectionStarted: 'Its output begins anew', silent: 'Backend fell silent',
  vanished: 'Backend no longer knows it', fenced: 'Given up there', adopted: 'Earlier run taken back',
  completed: 'Completed', failed: 'Failed', canceled: 'Cancelled',
  cancelRequested: 'Cancel asked for', removeRequested: 'Remove asked for', restartRequested: 'Restart asked for',
  moveRequested: 'Move asked for',
  restartedInPlace: 'Restarted where it was', inputsExpired: 'Its images were removed from the gateway',
  resultsPurged: 'The backend removed its results', webhookDelivered: 'Webhook delivered', webhookFailed: 'Webhook failed',
  webhookGivenUp: 'Webhook given up', note: 'Note',
};

export const eventWord = (kind) => events[kind] ?? kind;

const badEvents = new Set([
  'refused', 'imagesDiffer', 'outcomeUnknown', 'silent', 'vanished', 'fenced', 'failed', 'fetchFailed', 'webhookFailed',
  'webhookGivenUp', 'uploadAbandoned',
]);
export const isBadEvent = (kind) => badEvents.has(kind);

const outcomes = {
  completed: 'completed', failed: 'failed there', canceled: 'cancelled', released: 'taken back, no fault of the task',
  refused: 'refused', outgrown: 'ran out of memory', vanished: 'the backend lost it', fenced: 'given up there, and begun anew elsewhere',
  superseded: 'an earlier run was taken back instead', removed: 'removed',
};

export const outcomeWord = (outcome) => outcomes[outcome] ?? outcome;

/**
 * The reason of a waiting task, "node1 has its one slot in use; node2 is locked; …", as groups of backends of which the same is
 * true, the largest first; null where it is another sentence.
 * @param {string} text
 * @param {function(string): boolean} isBackend
 */
export function waitingGroups(text, isBackend) {
  const clauses = [];
  for (const piece of (text ?? '').split('; ')) {
    const blank = piece.indexOf(' ');
    const name = piece.slice(0, blank);
    if (blank > 0 && isBackend(name)) clauses.push({ name, clause: piece.slice(blank + 1) });
    else if (clauses.length > 0) clauses.at(-1).clause += `; ${piece}`;
    else return null;
  }
  const groups = new Map();
  for (const { name, clause } of clauses) {
    if (!groups.has(clause)) groups.set(clause, []);
    groups.get(clause).push(name);
  }
  return [...groups].map(([clause, names]) => ({ clause, names })).sort((a, b) => b.names.length - a.names.length);
}

/** What the clauses of a waiting reason ask of the operator. `isNormal`: nothing, the task only has to wait for its turn. */
const hints = [
  [/^has (its one slot|all \d+ slots) in use/, true, 'Nothing is wrong there: a slot frees when a task ends. More slots or backends shorten the wait.'],
  [/^is locked/, false, 'Unlock it if it may take tasks again.'],
  [/^is draining/, false, 'Undrain it if it may take tasks again.'],
  [/^(doesn't answer|is offline)/, false, 'Bring it back: its page shows the last error.'],
  [/^hasn't answered yet/, false, 'It was not reached since the start: see that it runs and that its url is right.'],
  [/^failed just now/, true, 'It is tried again by itself within a minute.'],
  [/^is being tried/, true, 'It gets more tasks when that one is accepted.'],
  [/^takes at most/, false, "The task is too large for it: raise the node's limit, or add a backend that takes more images."],
  [/^doesn't know the option/, false, 'Its engine is of another version: add a backend whose engine knows the option.'],
  [/^can't take/, false, 'Its kind of backend has no way to do this; another kind has.'],
  [/^doesn't allow the image/, false, "Allow the image in the backend's entry of the inventory, or send the task without odmImage."],
  [/^lacks the label/, false, "The owner's token may only use backends with that label."],
  [/^(is passed over|refused this task)/, true, 'The others are tried first, then it once more.'],
  [/^is in tier/, true, 'It is a reserve: it is used once lower tiers stayed full for scheduling.spill_after.'],
  [/^doesn't hold the project/, false, 'The task goes on with a project that lies on one node only.'],
  [/^left the inventory/, false, 'List it again if it may take tasks.'],
];

export function clauseAdvice(clause) {
  const [, isNormal, text] = hints.find(([pattern]) => pattern.test(clause)) ?? [null, false, ''];
  return { isNormal, text };
}

/**
 * Why a backend was chosen, in the policy's words and then in plainer ones.
 * @param {string} reason "node1: shortest predicted wait of 2 with a free slot (0 of 1 slots in use, tier 0)"
 */
export function choiceText(reason) {
  const ahead = /^(\S+) is busy; the inputs are sent ahead$/.exec(reason ?? '');
  if (ahead) return `Its images were sent ahead to ${ahead[1]} while that was busy, and ${ahead[1]} had a slot for it first.`;
  const parts = /^(\S+): (.*?) \((\d+) of (\d+) slots in use, tier (\d+)\)$/.exec(reason ?? '');
  if (!parts) return reason ?? '';
  const [, name, why, used, slots, tier] = parts;
  const then = `${used} of its ${slots} slots ${used === '1' ? 'was' : 'were'} in use then; tier ${tier}`;
  const wait = /^shortest predicted wait of (\d+) with a free slot$/.exec(why);
  if (!wait) return `${name}: ${why} (${then}).`;
  return wait[1] === '1'
    ? `${name} was the only backend with a free slot that could take it (${then}).`
    : `Of ${wait[1]} backends with a free slot, ${name} had the shortest predicted wait (${then}).`;
}
