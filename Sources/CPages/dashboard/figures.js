// Figures of the dashboard: as format.js has them, and a dash where nothing is known.

import { bytes as bytesOf, duration } from './format.js';

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });
const withSeconds = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
const withMinutes = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const day = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });

const isKnown = (value) => value !== null && value !== undefined;

/** 12,345. */
export const number = (value) => (isKnown(value) ? whole.format(value) : '–');

/** 1.5, of something a second or a minute. */
export const rate = (value) => (isKnown(value) ? tenths.format(value) : '–');

/** 12.3 MB. */
export const bytes = (value) => (isKnown(value) ? bytesOf(value) : '–');

/** The local time to the second, with the day where it isn't today: events of a task lie seconds apart. */
export function clock(milliseconds, format = withSeconds) {
  const date = new Date(milliseconds);
  const time = format.format(date);
  return date.toDateString() === new Date().toDateString() ? time : `${day.format(date)}, ${time}`;
}

/** The same to the minute. */
export const clockMinutes = (milliseconds) => clock(milliseconds, withMinutes);

/** How long ago. */
export const ago = (milliseconds) => `${duration(Date.now() - milliseconds)} ago`;

/** Milliseconds since 1970 of a number of them, or of an ISO date. */
export const milliseconds = (value) => (typeof value === 'number' ? value : Date.parse(value));
