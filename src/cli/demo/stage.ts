import { styleText } from 'node:util';
import { print } from '../output.ts';

type Style = Parameters<typeof styleText>[0];

/** What the audience sees: colours on a terminal, plain text in a pipe. */
export class Stage {
  readonly #colours: boolean;
  #step = 0;

  constructor(colours: boolean) {
    this.#colours = colours;
  }

  paint(style: Style, text: string): string {
    return this.#colours ? styleText(style, text) : text;
  }

  title(text: string): void {
    print();
    print(this.paint('bold', text));
  }

  say(text: string): void {
    print(this.paint('dim', text));
  }

  /** One call of the assistant. */
  call(name: string, args: Record<string, unknown>): void {
    this.#step += 1;
    const shown = Object.entries(args)
      .map(
        ([key, value]) =>
          `${key}=${typeof value === 'string' ? JSON.stringify(value.slice(0, 60)) : JSON.stringify(value)}`,
      )
      .join(' ');
    print();
    print(`${this.paint('cyan', `${this.#step}. ${name}`)} ${this.paint('dim', shown.slice(0, 160))}`);
  }

  answer(text: string, lines: number): void {
    const all = text.split('\n').filter((line) => line.trim() !== '');
    for (const line of all.slice(0, lines)) print(`   ${line.slice(0, 170)}`);
    if (all.length > lines) print(this.paint('dim', `   ... ${all.length - lines} more lines`));
  }

  note(text: string): void {
    print(`   ${this.paint('dim', text)}`);
  }

  good(text: string): void {
    print(this.paint('green', text));
  }

  bad(text: string): void {
    print(this.paint('red', text));
  }

  human(text: string): void {
    for (const line of text.split('\n')) print(`   ${this.paint('yellow', `| ${line}`)}`);
  }
}
