type Child = Node | string | null | false;
type Properties = Record<string, string | boolean | ((event: Event) => void)>;

/** An element. Texts become text nodes, never markup: whatever a cluster or a model wrote cannot become part of the page. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Properties = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === 'function') element.addEventListener(name, value);
    else if (typeof value === 'boolean') element.toggleAttribute(name, value);
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((child): child is Node | string => child !== null && child !== false));
  return element;
}

const newId = (): string => `f${crypto.randomUUID()}`;

/** A labelled field. */
export function field(label: string, input: HTMLInputElement, hint?: string): HTMLElement {
  input.id = newId();
  const help = hint === undefined ? null : el('small', { id: newId() }, hint);
  if (help) input.setAttribute('aria-describedby', help.id);
  return el('div', { class: 'field' }, el('label', { for: input.id }, label), input, help);
}

/** A place for one message; screen readers say it when it changes. */
export function message(): { element: HTMLElement; say(text: string, bad?: boolean): void } {
  const element = el('p', { class: 'message', role: 'status' });
  return {
    element,
    say: (text, bad = false) => {
      element.textContent = text;
      element.classList.toggle('bad', bad);
    },
  };
}

/** `3m 05s`; `over` when there is nothing left. */
export function left(ms: number): string {
  if (ms <= 0) return 'over';
  const seconds = Math.floor(ms / 1_000);
  const minutes = Math.floor(seconds / 60);
  return minutes > 0 ? `${minutes}m ${String(seconds % 60).padStart(2, '0')}s` : `${seconds}s`;
}

/** `14:03:22Z` of an instant. */
export const hour = (instant: string): string => `${instant.slice(11, 19)}Z`;
