// An upload as it is seen: a bar for the whole, one for each file, and what can be done about it.

import { announce, el, setText, show } from './dom.js';
import { bytes, count, duration } from './format.js';

const fileStates = {
  waiting: 'waiting', sending: 'sending', pausing: 'trying again soon', sent: 'sent', failed: 'not sent',
};

/** Speed over the last ten seconds. */
class Speed {
  constructor() {
    this.points = [];
  }

  /** @returns bytes a second, or null before there is something to go by */
  note(sent, now) {
    this.points.push({ sent, now });
    while (this.points.length > 2 && now - this.points[0].now > 10_000) this.points.shift();
    const first = this.points[0];
    return now - first.now < 1500 ? null : Math.max(0, (sent - first.sent) / (now - first.now) * 1000);
  }
}

/** Shows one upload for as long as it lasts. */
export class UploadView {
  /**
   * @param {Upload} upload
   * @param {function()} again  starts the same upload anew
   */
  constructor(upload, again) {
    this.upload = upload;
    this.again = again;
    this.speed = new Speed();
    this.rows = new Map();
    this.#make();
    this.isDue = false;
    upload.addEventListener('change', () => this.#soon());
    this.#update();
  }

  focus() {
    this.title.focus();
  }

  #make() {
    this.title = el('h3', { tabindex: '-1' }, this.upload.name);
    this.state = el('p', { class: 'quiet small' });
    this.bar = el('progress', { max: '1', value: '0', 'aria-label': `Upload of ${this.upload.name}` });
    this.trouble = el('p', { class: 'notice bad', hidden: true });
    this.files = el('ol', { class: 'file-list upload-files' });
    this.details = el('details', {}, el('summary', {}, 'Files'), this.files);
    this.stop = button('Stop', () => this.upload.stop());
    this.resume = button('Try again', () => this.upload.resume());
    this.leaveOut = button('Go on without them', () => this.upload.leaveOut());
    this.restart = button('Send again', () => {
      this.element.remove();
      this.again();
    });
    this.close = button('Close', () => this.element.remove());
    this.element = el('article', { class: 'upload' }, this.title, this.bar, this.state, this.trouble,
      el('div', { class: 'row' }, this.resume, this.leaveOut, this.restart, this.stop, this.close), this.details);
    for (const file of this.upload.files) this.#row(file);
  }

  #row(file) {
    const bar = el('progress', { max: String(Math.max(1, file.file.size)), value: '0', 'aria-label': `Upload of ${file.file.name}` });
    const state = el('span', { class: 'quiet small' });
    const element = el('li', {}, el('span', { class: 'file-name' }, file.file.name), state, bar);
    this.rows.set(file, { bar, state, element, shown: '' });
    this.files.append(element);
  }

  /** Many files change many times a second; the page is drawn once a frame. */
  #soon() {
    if (this.isDue) return;
    this.isDue = true;
    const draw = () => {
      this.isDue = false;
      this.#update();
    };
    // A tab in the background draws nothing, and yet its title and state should be right.
    if (document.hidden) setTimeout(draw, 250);
    else requestAnimationFrame(draw);
  }

  #update() {
    const { upload } = this;
    const whole = upload.bytes === 0 ? 0 : upload.sent / upload.bytes;
    this.bar.value = upload.state === 'committing' || upload.state === 'done' ? 1 : whole;
    this.element.dataset.state = upload.state;
    setText(this.state, this.#stateText());
    this.#updateFiles();
    const trouble = this.#troubleText();
    if (trouble !== '' && trouble !== this.trouble.textContent) announce(`${upload.name}: ${trouble}`);
    setText(this.trouble, trouble);
    show(this.trouble, trouble !== '');
    show(this.resume, upload.state === 'stuck');
    show(this.leaveOut, upload.state === 'stuck');
    show(this.restart, upload.state === 'failed' || upload.state === 'stopped');
    show(this.stop, upload.isUnderWay);
    show(this.close, !upload.isUnderWay);
    show(this.details, upload.files.length > 0);
  }

  #updateFiles() {
    for (const [file, row] of this.rows) {
      const text = `${fileStates[file.state]}${file.error ? `: ${file.error}` : ''}`;
      const shown = `${file.state} ${file.sent} ${text}`;
      if (shown === row.shown) continue;
      row.shown = shown;
      row.element.dataset.state = file.state;
      row.bar.value = file.state === 'sent' ? row.bar.max : file.sent;
      setText(row.state, text);
    }
  }

  #stateText() {
    const { upload } = this;
    const sent = upload.files.filter((file) => file.state === 'sent').length;
    const share = `${sent} of ${count(upload.files.length, 'file')}, ${bytes(upload.sent)} of ${bytes(upload.bytes)}`;
    switch (upload.state) {
      case 'opening': return 'Asking the gateway…';
      case 'sending': return share + this.#rateText();
      case 'stuck': return share;
      case 'committing': return 'All files are there. Starting the task…';
      case 'done': return 'Done.';
      case 'stopped': return 'Stopped. Nothing was started.';
      default: return 'Nothing was started.';
    }
  }

  #rateText() {
    const rate = this.speed.note(this.upload.sent, performance.now());
    if (!rate) return '';
    const left = (this.upload.bytes - this.upload.sent) / rate * 1000;
    return ` · ${bytes(rate)}/s · about ${duration(left)} left`;
  }

  #troubleText() {
    const { upload } = this;
    if (upload.state === 'stuck') {
      return `${count(upload.failed.length, 'file')} could not be sent: ${upload.failed[0].error}`;
    }
    if (upload.state === 'failed') return upload.error.message;
    const pausing = upload.files.find((file) => file.state === 'pausing');
    return pausing && upload.isUnderWay ? `${pausing.error} Trying again…` : '';
  }
}

function button(text, act) {
  return el('button', { type: 'button', onclick: act }, text);
}
