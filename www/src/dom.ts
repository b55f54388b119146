/** The element with this id, checked against its class; a page and a script that disagree stop at once. */
export function byId<T extends HTMLElement>(id: string, type: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`no ${type.name} with id "${id}" in the page`);
  return found;
}

/** A new element with a class and children; text is always set as text, never parsed. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className = '',
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

/** Writes only when the text differs, so that a ticking clock does not disturb selections and assistive tools. */
export function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

export const reducedMotion = matchMedia('(prefers-reduced-motion: reduce)');
