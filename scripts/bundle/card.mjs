import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * The card in the chat as one file: hosts load it into a sandbox where nothing else can be fetched. The policy in it lets only this very
 * script run, whatever the host allows.
 */
export async function cardHtml(root, script) {
  const read = (file) => readFile(join(root, file), 'utf8');
  const [template, ...styles] = await Promise.all(
    ['src/card/index.html', 'src/page/client/app.css', 'src/card/card.css'].map(read),
  );
  const hash = `sha256-${createHash('sha256').update(script).digest('base64')}`;
  // Functions, so that a `$&` in what is put in stays what it is. The hash is that of all between the tags.
  return template
    .replace('script-hash', hash)
    .replace(/\s*\/\* style \*\/\s*/, () => styles.join('\n'))
    .replace(/\s*\/\* script \*\/\s*/, () => script);
}

/** The card shares texts with the server. Of the module that they lie in, what needs Node is not used and falls away. */
export const withoutNode = {
  name: 'without-node',
  setup(builder) {
    builder.onResolve({ filter: /^node:/ }, ({ path }) => ({ path, external: true, sideEffects: false }));
  },
};
