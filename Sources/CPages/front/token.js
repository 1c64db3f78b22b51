// The token by which the gateway knows who asks.

const key = 'scaleodm.token';

/** Kept for this tab alone, or where the viewer wants it for this browser. Tells of changes by the event `change`. */
export class Token extends EventTarget {
  constructor() {
    super();
    this.value = takeFromAddress() ?? sessionStorage.getItem(key) ?? localStorage.getItem(key) ?? '';
    if (this.value) sessionStorage.setItem(key, this.value);
  }

  /** Whether it outlives this tab. */
  get isKept() {
    return localStorage.getItem(key) !== null;
  }

  /** Uses another token from now on; an empty one is none. */
  set(value, isKept) {
    this.value = value;
    store(sessionStorage, value !== '', value);
    store(localStorage, value !== '' && isKept, value);
    this.dispatchEvent(new Event('change'));
  }
}

function store(storage, isWanted, value) {
  if (isWanted) storage.setItem(key, value);
  else storage.removeItem(key);
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
