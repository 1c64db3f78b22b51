// The frame: who may look, which page is shown, and when it is drawn.

import { Api } from './api.js';
import { h, show } from './tree.js';
import { clock } from './figures.js';
import { duration } from './format.js';
import { Live } from './live.js';
import { Store } from './store.js';
import { BackendPage } from './backend-page.js';
import { BackendsPage } from './backends-page.js';
import { OverviewPage } from './overview-page.js';
import { QueuePage } from './queue-page.js';
import { TaskPage } from './task-page.js';
import { TasksPage } from './tasks-page.js';

const TOKEN = 'scaleodm-admin-token';
/** What changes many times a second is drawn so often at most. */
const FRAME = 250;
const AGES = 10_000;

const pages = [
  { path: '', name: 'Overview', page: OverviewPage }, { path: 'tasks', name: 'Tasks', page: TasksPage },
  { path: 'queue', name: 'Queue', page: QueuePage }, { path: 'backends', name: 'Backends', page: BackendsPage },
];

const top = document.getElementById('top');
const main = document.getElementById('main');
let store = null;
let live = null;
let page = null;
let drawnAt = 0;
let timer = null;

/** Draws soon; several changes at once are drawn together. */
function changed() {
  if (timer !== null) return;
  timer = setTimeout(draw, Math.max(0, FRAME - (performance.now() - drawnAt)));
}

function draw() {
  clearTimeout(timer);
  timer = null;
  drawnAt = performance.now();
  show(top, frame());
  if (!page) return;
  show(main, page.render());
  page.drawn?.();
}

// The frame

function frame() {
  const here = route().words[0] ?? '';
  return h('div.bar', null,
    h('a.brand', { href: '#/' }, 'ScaleODM ', store?.gateway && h('small', null, store.gateway.name)),
    h('nav', { 'aria-label': 'Pages' }, pages.map(({ path, name }) =>
      h('a', { href: `#/${path}`, 'aria-current': path === here ? 'page' : null }, name))),
    store && h('span.link', { class: store.link, title: linkTitle() }, linkText()),
    store?.api.token && h('button.small', { type: 'button', onclick: signOut }, 'Sign out'));
}

function linkText() {
  switch (store.link) {
    case 'live': return 'Live';
    case 'polling': return 'Asking every 5 s';
    case 'lost': return `No answer for ${duration(Date.now() - store.heardAt)}`;
    default: return 'Connecting…';
  }
}

function linkTitle() {
  const seen = store.heardAt ? `Last heard of the gateway at ${clock(store.heardAt)}.` : '';
  if (store.link === 'polling') return `The stream of changes isn't open; it is tried again by itself. ${seen}`;
  if (store.link === 'lost') return `The gateway doesn't answer. What is shown is how it was then. ${seen}`;
  return seen;
}

// Which page

function route() {
  const [path, query] = location.hash.replace(/^#\/?/, '').split('?');
  return { words: path.split('/').filter(Boolean).map(decoded), query: new URLSearchParams(query ?? '') };
}

/** A word of the address; one that somebody mistyped as it is. */
function decoded(word) {
  try {
    return decodeURIComponent(word);
  } catch {
    return word;
  }
}

function open() {
  if (!store) return;
  const { words, query } = route();
  page?.close?.();
  const context = { store, changed };
  if (words[0] === 'tasks' && words[1]) page = new TaskPage(context, words[1]);
  else if (words[0] === 'backends' && words[1]) page = new BackendPage(context, words[1]);
  else page = new (pages.find(({ path }) => path === (words[0] ?? ''))?.page ?? OverviewPage)(context, query);
  document.title = `${page.title} · ${store.gateway?.name ?? 'ScaleODM'}`;
  main.replaceChildren();
  refreshPage();
  draw();
}

async function refreshPage() {
  const asked = page;
  try {
    await asked?.refresh();
    if (asked) asked.error = null;
  } catch (error) {
    if (error.status === 401) return refused();
    asked.error = error.message;
  }
  changed();
}

/** A link inside the page moves the focus to what it shows, for those who don't see that it changed. */
function moved() {
  open();
  window.scrollTo(0, 0);
  main.focus({ preventScroll: true });
}

// Who may look

async function begin(token) {
  const api = new Api(token);
  const next = new Store(api, changed);
  await next.refresh();
  if (token) sessionStorage.setItem(TOKEN, token);
  store = next;
  live?.stop();
  live = new Live(api, {
    event(name, data) {
      // It comes first, and where changes were missed.
      if (name === 'hello') return readAll().catch(() => null);
      store.event(name, data);
      page?.event?.(name, data);
    },
    poll: readAll,
    state(link) {
      if (link === 'refused') return refused();
      if (store) store.link = link;
      changed();
    },
  });
  live.start();
  open();
}

async function readAll() {
  await store?.refresh();
  await refreshPage();
}

function signOut() {
  sessionStorage.removeItem(TOKEN);
  live?.stop();
  page?.close?.();
  [store, live, page] = [null, null, null];
  askForToken('');
}

function refused() {
  signOut();
  askForToken('The token is no longer accepted.');
}

function askForToken(problem) {
  document.title = 'Sign in · ScaleODM';
  show(top, frame());
  show(main, h('form.panel.login', { key: 'login', onsubmit: signIn },
    h('h1', null, 'ScaleODM gateway'),
    h('label', { for: 'token' }, 'Admin token'),
    h('p.quiet', { id: 'token-help' }, "The inventory's ", h('code', null, 'admin.token'), '. It is kept in this tab until you close it.'),
    h('input', {
      id: 'token', type: 'password', autocomplete: 'current-password', required: true, 'aria-describedby': 'token-help token-problem',
    }),
    h('p.problem', { id: 'token-problem', role: 'alert' }, problem),
    h('button.primary', { type: 'submit' }, 'Look inside')));
  document.getElementById('token').focus();
}

async function signIn(event) {
  event.preventDefault();
  const field = document.getElementById('token');
  try {
    await begin(field.value);
  } catch (error) {
    askForToken(error.status === 401 ? 'This token is wrong.' : error.message);
    field.select();
  }
}

/** Without a token first: a gateway on loopback may want none. */
async function enter() {
  const token = sessionStorage.getItem(TOKEN);
  try {
    await begin(token);
  } catch (error) {
    if (error.status === 401) {
      sessionStorage.removeItem(TOKEN);
      return askForToken(token ? 'The token is no longer accepted.' : '');
    }
    show(main, h('div.panel', { key: 'absent' }, h('h1', null, "The gateway isn't there yet"), h('p', null, error.message),
      h('p.quiet', null, 'It is asked again every three seconds.')));
    setTimeout(enter, 3000);
  }
}

addEventListener('hashchange', moved);
// How old a load is is no event: while ages are on the page, they are asked for.
setInterval(() => { if (store?.link === 'live' && page?.showsAges && !document.hidden) store.refreshBackends().catch(() => null); }, AGES);
// "Waits for 3 min" becomes 4 also when nothing happens.
setInterval(() => { if (store && !document.hidden) changed(); }, 1000);
enter();
