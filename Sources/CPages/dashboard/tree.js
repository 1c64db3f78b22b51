// Elements from plain values, and taking a fresh tree over into the one that is shown.
// Texts become text nodes, never markup: what users name their tasks can do nothing here.

const SVG = 'http://www.w3.org/2000/svg';
const HANDLERS = ['onclick', 'onsubmit', 'oninput', 'onchange', 'ontoggle', 'onpointermove', 'onpointerleave'];

/**
 * Makes an HTML element.
 * @param {string} tag its name, with classes behind dots: `p.quiet`.
 * @param {object|null} attributes `on…` are handlers; null, undefined and false leave an attribute out;
 *   `key` names it among its siblings.
 * @param {...any} children elements, texts, arrays of them; null and false are left out.
 */
export function h(tag, attributes, ...children) {
  const [name, ...classes] = tag.split('.');
  const element = document.createElement(name);
  if (classes.length) element.className = classes.join(' ');
  return filled(element, attributes, children);
}

/** Makes an SVG element; as `h`. */
export function svg(tag, attributes, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) element[name] = value;
    else if (name === 'key') element.dataset.key = value;
    else if (name === 'class') element.setAttribute('class', [element.getAttribute('class'), value].filter(Boolean).join(' '));
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false || child === '') continue;
    element.append(child instanceof Node ? child : String(child));
  }
  return element;
}

/**
 * Makes what stands in `parent` look like `children`, and keeps every element that can stay: with it the focus, what was
 * typed, what was scrolled and what was opened.
 */
export function show(parent, ...children) {
  const focused = document.activeElement;
  const fresh = filled(document.createElement('div'), null, children);
  mergeChildren(parent, fresh);
  if (focused && focused !== document.activeElement && focused.isConnected) focused.focus({ preventScroll: true });
}

function isSame(old, fresh) {
  return old.nodeType === fresh.nodeType && old.nodeName === fresh.nodeName && keyOf(old) === keyOf(fresh);
}

const keyOf = (node) => (node.nodeType === Node.ELEMENT_NODE ? node.dataset.key : undefined);

function mergeChildren(old, fresh) {
  const keyed = new Map();
  for (const child of old.childNodes) if (keyOf(child) !== undefined) keyed.set(keyOf(child), child);
  let place = old.firstChild;
  for (const wanted of [...fresh.childNodes]) {
    const key = keyOf(wanted);
    const known = key === undefined ? place : keyed.get(key);
    if (known && isSame(known, wanted)) {
      if (known === place) place = place.nextSibling;
      else old.insertBefore(known, place);
      merge(known, wanted);
    } else {
      old.insertBefore(wanted, place);
    }
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}

function merge(old, fresh) {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
    return;
  }
  for (const { name } of [...old.attributes]) {
    // Whether something is open is the reader's affair.
    if (name !== 'open' && !fresh.hasAttribute(name)) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (name !== 'open' && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  for (const handler of HANDLERS) if (old[handler] !== fresh[handler]) old[handler] = fresh[handler];
  // What somebody else fills, such as a task's output, is left alone.
  if (!old.hasAttribute('data-own')) mergeChildren(old, fresh);
}
