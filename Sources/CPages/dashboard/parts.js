// Pieces that several pages show.

import { h } from './tree.js';
import { ago, clock, number } from './figures.js';
import { duration } from './format.js';
import { backendState, choiceText, clauseAdvice, taskState, waitingGroups } from './words.js';
import { segment } from './api.js';

const badge = ({ word, tone, text }) => h('span.badge', { class: tone, title: text }, word);

export const taskBadge = (task) => badge(taskState(task));

export const backendBadge = (backend) => badge(backendState(backend));

const taskHref = (uuid) => `#/tasks/${segment(uuid)}`;

const backendHref = (name) => `#/backends/${segment(name)}`;

/** How far a running task is. */
export const progress = (task) =>
  task.state === 'placed' && task.progress > 0 ? h('span.quiet.whole', null, ` ${Math.floor(task.progress)} %`) : null;

export const taskLink = (task) => h('a.name', { href: taskHref(task.uuid) }, task.name || task.uuid);

export const backendLink = (name) => h('a', { href: backendHref(name) }, name);

/** A moment, with how long ago it was. */
export const time = (milliseconds) =>
  h('time', { datetime: new Date(milliseconds).toISOString(), title: new Date(milliseconds).toISOString() }, clock(milliseconds));

export const timeAgo = (milliseconds) =>
  h('time', { datetime: new Date(milliseconds).toISOString(), title: clock(milliseconds) }, ago(milliseconds));

/** A bar with its words; the words alone tell it all. */
export function bar(value, most, text) {
  const max = Math.max(1, most);
  return h('span.bar-of', null, h('meter', { min: 0, max, value: Math.min(value, max), 'aria-hidden': 'true' }), h('span', null, text));
}

export const load = (backend) =>
  backend.slots === null || backend.unfinished === null || ['offline', 'unread'].includes(backend.state)
    ? h('span.quiet', null, 'not known')
    : bar(backend.unfinished, backend.slots, `${number(backend.unfinished)} of ${number(backend.slots)}`);

/** When its load was read; a gateway that is live tells of changes, so that only what is late is old. */
export function seen(backend) {
  if (backend.ageMilliseconds === undefined) return 'never';
  return h('span.whole', null, `${duration(backend.ageMilliseconds + Date.now() - backend.heardAt)} ago`);
}

const NAMES = 6;

/** The first of so many backends. */
export const names = (all) => [
  all.slice(0, NAMES).map((name, index) => [index > 0 && ', ', backendLink(name)]),
  all.length > NAMES && ` and ${number(all.length - NAMES)} more`,
];

/** Why a task waits: backends of which the same is true stand together, each group with what can be done. */
export function waitingReason(text, store, isLong = false) {
  const groups = waitingGroups(text, (name) => store.backends.has(name));
  if (!groups) return h('span.why', null, text);
  const said = new Set();
  return h('ul.reasons', null, groups.map(({ clause, names: alike }) => {
    const { text: hint } = clauseAdvice(clause);
    const advice = isLong && !said.has(hint) ? hint : '';
    said.add(hint);
    return h('li', null, names(alike), alike.length === 1 ? ` ${clause}` : `: each ${clause}`,
      advice && h('span.advice', null, ` ${advice}`));
  }));
}

/** Why a task is where it is, in a list. */
export function why(task, store) {
  if (task.state === 'queued') return waitingReason(task.why, store);
  return h('span.why', null, task.why === task.reason ? choiceText(task.why) : task.why);
}

/** Where a task is; one that waits is nowhere else, also where its images were sent ahead. */
export const where = (task) =>
  ['receiving', 'queued'].includes(task.state) || !task.backend ? h('span.quiet', null, 'gateway') : backendLink(task.backend);

/** A table that becomes a list of cards where the screen is narrow. */
export function table({ caption, columns, rows, empty }) {
  if (rows.length === 0) return h('p.quiet.empty', null, empty);
  return h('table.list', null, h('caption.unseen', null, caption),
    h('thead', null, h('tr', null, columns.map((name) => h('th', { scope: 'col' }, name)))),
    h('tbody', null, rows.map(({ key, cells, tone }) => h('tr', { key, class: tone },
      cells.map((cell, index) => h('td', { 'data-label': columns[index] }, cell))))));
}

export const problem = (page) => page.error && h('p.problem', { role: 'alert' }, page.error);

/** Heading of a part of a page, with what belongs to it on the right. */
export const heading = (text, ...aside) => h('div.heading', null, h('h2', null, text), ...aside);
