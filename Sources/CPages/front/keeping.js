// What the browser keeps between visits. Some browsers are set to keep nothing: then the page works, and forgets.

/** A kept text; null where there is none, or nothing is kept. */
export function kept(storage, key) {
  try {
    return window[storage].getItem(key);
  } catch {
    return null;
  }
}

/** Keeps a text, or for null forgets it. */
export function keep(storage, key, value) {
  try {
    if (value === null) window[storage].removeItem(key);
    else window[storage].setItem(key, value);
  } catch {
    // It lasts as long as the page, then.
  }
}
