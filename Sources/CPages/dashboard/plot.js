// Plots of what was measured once a minute: inline SVG, with a sentence for those who don't see it and the figures as a table.

import { h, svg } from './tree.js';
import { clockMinutes } from './figures.js';

const WIDTH = 600;
const HEIGHT = 100;
const COLUMNS = 300;
const ROWS = 12;

/**
 * @param {object} plot
 * @param {string} plot.title
 * @param {number} plot.from the first sample's moment, in milliseconds
 * @param {number} plot.step seconds from sample to sample
 * @param {{name: string, values: (number|null)[], style: string}[]} plot.series `style` is "area", "line" or "limit"
 * @param {function(number): string} plot.format
 */
export function plot({ title, from, step, series, format }) {
  const length = Math.max(...series.map((each) => each.values.length), 0);
  const values = series.flatMap((each) => each.values).filter(isKnown);
  const top = roundUp(Math.max(1, ...values));
  const at = (index) => from + index * step * 1000;
  const summary = series.map((each) => sentence(each, at, format)).join(' ');
  const lines = series.map((each) => line(each, length, top));
  return h('figure.plot', { key: title },
    h('figcaption', null, h('span.plot-title', null, title), series.map((each) => legend(each, format))),
    h('div.plot-area', { onpointermove: (event) => point(event, series, length, at, format), onpointerleave: leave },
      svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', role: 'img', 'aria-label': `${title}. ${summary}` },
        svg('path', { class: 'grid', d: `M0 ${HEIGHT / 2}H${WIDTH}M0 0H${WIDTH}M0 ${HEIGHT}H${WIDTH}` }), lines),
      h('span.plot-top', { 'aria-hidden': 'true' }, format(top)),
      h('div.plot-cursor', { 'aria-hidden': 'true', 'data-own': true })),
    h('div.plot-times', { 'aria-hidden': 'true' },
      length > 0 && [0, Math.floor((length - 1) / 2), length - 1].map((index) => h('span', null, clockMinutes(at(index))))),
    values.length === 0 && h('p.quiet', null, "Nothing was measured yet: one sample a minute, from the gateway's start."),
    h('details', null, h('summary', null, 'Figures'), table(title, series, length, at, format)));
}

/** A row's small plot: how many slots were in use. */
export function sparkline(values, limit, label) {
  const known = values.filter(isKnown);
  const top = Math.max(1, limit ?? 0, ...known);
  return svg('svg', { class: 'spark', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', role: 'img', 'aria-label': label },
    line({ values, style: 'area' }, values.length, top));
}

const isKnown = (value) => value !== null && value !== undefined;

function line({ values, style }, length, top) {
  const thin = thinned(values, length);
  const x = (index) => (thin.length < 2 ? WIDTH : (index / (thin.length - 1)) * WIDTH);
  const y = (value) => HEIGHT - (Math.min(value, top) / top) * (HEIGHT - 2) - 1;
  let outline = '';
  let area = '';
  let begin = null;
  thin.forEach((value, index) => {
    if (!isKnown(value)) return;
    const isFirst = begin === null;
    if (isFirst) begin = x(index);
    const place = `${x(index).toFixed(1)} ${y(value).toFixed(1)}`;
    outline += `${isFirst ? 'M' : 'L'}${place}`;
    area += isFirst ? `M${x(index).toFixed(1)} ${HEIGHT}L${place}` : `L${place}`;
    if (index + 1 === thin.length || !isKnown(thin[index + 1])) {
      area += `V${HEIGHT}Z`;
      // A single sample between gaps is a dot.
      if (begin === x(index)) outline += 'h0.1';
      begin = null;
    }
  });
  return [
    style === 'area' && area && svg('path', { class: 'fill', d: area }),
    outline && svg('path', { class: `stroke ${style}`, d: outline }),
  ].filter(Boolean);
}

/** No more points than can be seen; of those that fall together the highest stays. */
function thinned(values, length) {
  const padded = values.length < length ? [...Array(length - values.length).fill(null), ...values] : values;
  if (padded.length <= COLUMNS) return padded;
  return Array.from({ length: COLUMNS }, (_, column) => {
    const slice = padded.slice(Math.floor((column * padded.length) / COLUMNS), Math.floor(((column + 1) * padded.length) / COLUMNS));
    const known = slice.filter(isKnown);
    return known.length ? Math.max(...known) : null;
  });
}

function legend({ name, values, style }, format) {
  const last = values.findLast(isKnown);
  return h('span.legend', { class: style }, name, ' ', h('b', null, last === undefined ? '–' : format(last)));
}

function sentence({ name, values }, at, format) {
  const known = values.filter(isKnown);
  if (known.length === 0) return `${name}: nothing measured yet.`;
  const [least, most] = [Math.min(...known), Math.max(...known)];
  const last = format(values.findLast(isKnown));
  return `${name}: now ${last}, lowest ${format(least)}, highest ${format(most)} at ${clockMinutes(at(values.indexOf(most)))}.`;
}

function table(title, series, length, at, format) {
  const stride = Math.max(1, Math.ceil(length / ROWS));
  const rows = [];
  for (let index = length - 1; index >= 0; index -= stride) rows.push(index);
  return h('table.figures', null, h('caption.unseen', null, title),
    h('thead', null, h('tr', null, h('th', { scope: 'col' }, 'At'), series.map((each) => h('th', { scope: 'col' }, each.name)))),
    h('tbody', null, rows.map((index) => h('tr', null, h('th', { scope: 'row' }, clockMinutes(at(index))),
      series.map((each) => h('td', null, isKnown(each.values[index]) ? format(each.values[index]) : '–'))))));
}

/** 1, 2 or 5 times a power of ten, not below the value. */
function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].find((step) => step * power >= value) * power;
}

function point(event, series, length, at, format) {
  const area = event.currentTarget;
  const cursor = area.querySelector('.plot-cursor');
  const box = area.getBoundingClientRect();
  if (length === 0 || box.width === 0) return;
  const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
  const index = Math.round(share * (length - 1));
  const texts = series.map((each) => `${each.name} ${isKnown(each.values[index]) ? format(each.values[index]) : '–'}`);
  cursor.textContent = `${clockMinutes(at(index))}  ${texts.join('  ')}`;
  cursor.classList.toggle('left', share > 0.5);
  cursor.style.left = `${share * 100}%`;
  cursor.classList.add('on');
}

function leave(event) {
  event.currentTarget.querySelector('.plot-cursor').classList.remove('on');
}
