import type { Bridge } from './bridge.ts';
import { fields } from './model.ts';

/** Only what cannot spoil the contrast: colours are the card's own, in two themes. */
const FONTS = ['--font-sans', '--font-mono'];

/** Takes over the host's theme and fonts; what the host does not say follows the system. */
export function wear(context: Record<string, unknown>): void {
  const root = document.documentElement;
  if (context.theme === 'light' || context.theme === 'dark') root.style.colorScheme = context.theme;
  const variables = fields(fields(context.styles).variables);
  for (const name of FONTS) {
    const value = variables[name];
    if (typeof value === 'string') root.style.setProperty(name, value);
  }
}

/** Tells the host how large the card is whenever that changes. */
export function tellSize(bridge: Bridge): void {
  let told = '';
  const tell = (): void => {
    const size = { width: Math.ceil(innerWidth), height: Math.ceil(document.body.getBoundingClientRect().height) };
    const now = `${size.width}x${size.height}`;
    if (now === told) return;
    told = now;
    bridge.notify('ui/notifications/size-changed', size);
  };
  new ResizeObserver(tell).observe(document.body);
  tell();
}
