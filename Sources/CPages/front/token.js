// The token by which the gateway knows who asks.

import { keep, kept } from './keeping.js';

const key = 'scaleodm.token';

/** Kept for this tab alone, or where the viewer wants it for this browser. Tells of changes by the event `change`. */
export class Token extends EventTarget {
  constructor() {
    super();
    this.value = takeFromAddress() ?? kept('sessionStorage', key) ?? kept('localStorage', key) ?? '';
    if (this.value) keep('sessionStorage', key, this.value);
  }

  /** Whether it outlives this tab. */
  get isKept() {
    return kept('localStorage', key) !== null;
  }

  /** Uses another token from now on; an empty one is none. */
  set(value, isKept) {
    this.value = value;
    keep('sessionStorage', key, value || null);
    keep('localStorage', key, isKept && value ? value : null);
    this.dispatchEvent(new Event('change'));
  }
}

/** NodeODM's page takes `?token=` from its own address; it is taken out of there, so that no one copies it on. */
function takeFromAddress() {
  const address = new URL(location.href);
  const token = address.searchParams.get('token');
  if (!token) return null;
  address.searchParams.delete('token');
  history.replaceState(null, '', address);
  return token;
}
