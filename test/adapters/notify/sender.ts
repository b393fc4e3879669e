import { createOutbox, slackChannel } from '../../../src/adapters/notify/index.ts';
import { notice } from './notice.ts';

/** A process of its own that sends notices: `node sender.mjs DIR URL NAME COUNT`. Exits when all are sent or queued. */
const [dir = '', url = '', name = '', count = '0'] = process.argv.slice(2);
const outbox = createOutbox({ dir, channels: [slackChannel({ url })], clock: { now: () => new Date() } });
for (let i = 0; i < Number(count); i += 1) await outbox.send(notice({ title: `${name}${i}` }));
process.stdout.write('done\n');
await outbox.close();
