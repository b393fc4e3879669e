import type { Strings } from '../platform/types.ts';

/** As Alertmanager writes it. */
export interface Matcher {
  name: string;
  value: string;
  isRegex: boolean;
  isEqual: boolean;
}

// Names are quoted, or of any characters but those with a meaning.
const FORM = /^\s*("(?:[^"\\]|\\.)*"|[^\s{}!=~,\\'"`><]+)\s*(=~|!~|!=|=)\s*(.*?)\s*$/s;
const QUOTED = /^"((?:[^"\\]|\\.)*)"$/s;

/** One matcher such as `name="value"` with =, !=, =~ or !~. @throws RangeError with Alertmanager's words */
export function parseMatcher(text: string): Matcher {
  if (text.startsWith('{') || text.endsWith('}')) throw new RangeError(`unexpected open or close brace: ${text}`);
  const [, name, operator = '', given = ''] = FORM.exec(text) ?? [];
  if (name === undefined) throw new RangeError(`bad matcher format: ${text}`);
  const [, inner] = QUOTED.exec(given) ?? [];
  if (inner === undefined && given.includes('"')) {
    throw new RangeError(`matcher value contains unescaped double quote: ${given}`);
  }
  const value = inner === undefined ? given : unescaped(inner);
  const isRegex = operator.endsWith('~');
  if (isRegex) patternOf(value);
  return { name: unescaped(QUOTED.exec(name)?.[1] ?? name), value, isRegex, isEqual: !operator.startsWith('!') };
}

const unescaped = (text: string): string => text.replace(/\\(.)/gs, (_, char: string) => (char === 'n' ? '\n' : char));

/** A pattern that fits a whole text. @throws RangeError */
export function patternOf(value: string): RegExp {
  try {
    return new RegExp(`^(?:${value})$`);
  } catch (error) {
    const why = error instanceof Error ? (error.message.split(': ').at(-1) ?? '').toLowerCase() : '';
    throw new RangeError(`error parsing regexp: ${why}: \`^(?:${value})$\``);
  }
}

/** Whether labels fit the matcher; a label that is not there is empty. */
export function fits({ name, value, isRegex, isEqual }: Matcher, labels: Strings): boolean {
  const given = labels[name] ?? '';
  return (isRegex ? patternOf(value).test(given) : given === value) === isEqual;
}
