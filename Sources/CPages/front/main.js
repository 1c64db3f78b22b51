// The page at `/`: people send images, follow their tasks, and fetch the results. All of it goes by the NodeODM API.

import { announce, byID, setText, show } from './dom.js';
import { askForToken } from './dialogs.js';
import { count } from './format.js';
import { NewTaskForm } from './form.js';
import { KnownTasks } from './known-tasks.js';
import { Node } from './node.js';
import { OptionPanel } from './options.js';
import { TaskList } from './task-list.js';
import { Token } from './token.js';
import { Upload } from './upload.js';
import { UploadView } from './upload-view.js';

/** How often the node's state is shown anew, in milliseconds. */
const infoEvery = 15_000;
/** The same before it was read at all. */
const retryEvery = 3000;

const token = new Token();
// This file is at `ui/main.js` below the API, whatever stands before that.
const node = new Node(new URL('../', import.meta.url), token);
const options = new OptionPanel();
const form = new NewTaskForm(options);
const tasks = new TaskList(node, new KnownTasks(), options);
const uploads = new Set();

// MARK: The node

/** What is shown of the node and offered by the form; asked for again with another token, which may have other limits. */
async function readNode() {
  const [info, definitions] = await Promise.all([node.info(), node.options()]);
  showInfo(info);
  options.list(definitions);
}

function showInfo(info) {
  const version = info.engineVersion === '?' ? '' : ` ${info.engineVersion}`;
  const parts = [`${info.engine.toUpperCase()}${version}`, `${count(info.taskQueueCount, 'task')} waiting or running`];
  if (info.maxImages !== null) parts.push(`up to ${count(info.maxImages, 'image')} a task`);
  setText(byID('node-status'), parts.join(' · '));
  form.limit(info.maxImages);
}

async function followNode() {
  let listedFor = null;
  for (;;) {
    const shown = token.value;
    let isShut = false;
    try {
      if (listedFor === shown) showInfo(await node.info());
      else await readNode();
      listedFor = shown;
    } catch (error) {
      isShut = error.kind === 'unauthorized';
      if (shown === token.value) note(error);
    }
    // Another token may see other limits and options; the same would be refused again.
    if (shown !== token.value) continue;
    const waiting = new AbortController();
    await new Promise((resolve) => {
      if (!isShut) setTimeout(resolve, listedFor === shown ? infoEvery : retryEvery);
      token.addEventListener('change', resolve, { once: true, signal: waiting.signal });
    });
    waiting.abort();
  }
}

// MARK: Trouble

/** Shows what keeps the page from working, and takes it back; a token that is missing or wrong is asked for. */
function note(error) {
  const place = byID('trouble');
  if (error?.kind === 'unauthorized') return wantToken(token.value ? 'The gateway doesn’t take this token.' : 'This gateway asks for a token.');
  const text = error ? `${error.message}${error.passes ? ' Trying again…' : ''}` : '';
  setText(place, text);
  show(place, text !== '');
}

let isTokenRefused = false;

/** Asks once, not at each poll; the button in the head asks again. */
async function wantToken(reason) {
  setText(byID('trouble'), `${reason} Use the button “Token” to give one.`);
  show(byID('trouble'), true);
  if (isTokenRefused) return;
  isTokenRefused = true;
  await openTokenDialog(reason);
}

async function openTokenDialog(reason) {
  let loginURL = null;
  try {
    const { loginUrl } = await node.authentication();
    if (/^https?:\/\//.test(loginUrl ?? '')) loginURL = loginUrl;
  } catch {
    // Then there is only the field.
  }
  await askForToken(token, reason, loginURL);
}

token.addEventListener('change', () => {
  isTokenRefused = false;
  note(null);
  tasks.forget();
});

// MARK: New tasks

function send(files, fields) {
  const upload = new Upload(node, files, fields);
  const view = new UploadView(upload, () => send(files, fields));
  byID('uploads').append(view.element);
  view.focus();
  finish(upload, view, files, fields);
}

async function finish(upload, view, files, fields) {
  uploads.add(upload);
  await upload.run();
  uploads.delete(upload);
  if (upload.state === 'done') {
    announce(`${upload.name}: all files are there, the task is in the list.`);
    const card = await tasks.add(upload.uuid);
    const hadFocus = view.element.contains(document.activeElement);
    view.element.remove();
    if (hadFocus) card.title.focus();
  } else if (upload.error?.kind === 'unauthorized') {
    note(upload.error);
  } else if (upload.error && options.refuse(upload.error.message)) {
    // The form says it at the option, and has to get the files back.
    view.element.remove();
    form.add(files);
    byID('task-name').value = fields.name;
    byID('zip-url').value = fields.zipurl;
    form.refuse('The node refused an option; see above.');
  }
}

form.addEventListener('submit', (event) => {
  const { files, fields } = event.detail;
  form.reset();
  send(files, fields);
});

options.addEventListener('change', () => form.refuse(''));
tasks.addEventListener('state', (event) => note(event.detail));
tasks.addEventListener('options', (event) => {
  options.choose(event.detail);
  byID('options').open = true;
  byID('options').querySelector('summary').focus();
  announce('The options of the task are in the form.');
});
document.addEventListener('visibilitychange', () => {
  // Timers of a tab in the background are slow: whoever comes back sees the present.
  if (!document.hidden) tasks.look();
});
byID('token-button').addEventListener('click', () => openTokenDialog(''));

// Another browser window asks nothing while files are on their way: so this one must not be closed by accident.
addEventListener('beforeunload', (event) => {
  if ([...uploads].some((upload) => upload.isUnderWay)) event.preventDefault();
});

followNode();
tasks.follow();
