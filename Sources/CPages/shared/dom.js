// Making and changing elements. Texts become text nodes, so nothing that a user or a node wrote is ever read as HTML.

/**
 * Makes an element.
 * @param {string} tag
 * @param {Object} attributes  `onclick` and its kin are listeners; true sets an empty attribute, false and null none
 * @param {...(Node|string|null)} children  null is left out
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else setAttribute(element, name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Sets, or for false and null removes, an attribute. */
export function setAttribute(element, name, value) {
  if (value === false || value === null || value === undefined) element.removeAttribute(name);
  else element.setAttribute(name, value === true ? '' : String(value));
}

/** The element with that id, which the page must have. */
export function byID(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return element;
}

/** Changes a text only where it differs: a poll must not disturb a selection or make a screen reader speak again. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Shows or hides an element. */
export function show(element, isShown) {
  if (element.hidden === isShown) element.hidden = !isShown;
}

/** Has a screen reader say something, which the page shows elsewhere. */
export function announce(text) {
  byID('announcer').textContent = text;
}
