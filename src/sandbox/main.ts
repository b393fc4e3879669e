import { parseArguments } from './options.ts';
import { startSandbox } from './start.ts';

/** What a stand-in program has to say. */
interface Said {
  stdout: string;
  stderr: string;
  code: number;
}

function finish({ stdout, stderr, code }: Said): void {
  process.stdout.write(stdout);
  process.stderr.write(stderr);
  process.exitCode = code;
}

async function run(argv: readonly string[]): Promise<void> {
  const [first, second = '', ...rest] = argv;
  // The launchers of the stand-ins put these two words in front of what the caller gave.
  if (first === 'helm') {
    const { runHelm } = await import('./programs/helm/main.ts');
    finish(await runHelm(rest, { kubeconfig: process.env.KUBECONFIG, speed: Number(second) }));
    return;
  }
  if (first === 'pulsar') {
    const { runPulsar } = await import('./programs/pulsar.ts');
    finish(await runPulsar(rest, second));
    return;
  }
  const parsed = parseArguments(argv);
  if (parsed.kind !== 'run') {
    const help = parsed.kind === 'help';
    finish({
      stdout: help ? parsed.text : '',
      stderr: help ? '' : `sandbox: ${parsed.message}\nTry --help.\n`,
      code: help ? 0 : 2,
    });
    return;
  }
  const starting = startSandbox(parsed.options, import.meta.url);
  let closing = false;
  const close = (): void => {
    if (closing) return;
    closing = true;
    // A deadline, lest a connection that does not close keep the process.
    setTimeout(() => process.exit(1), 3_000).unref();
    starting
      .then((sandbox) => sandbox.close())
      .then(
        () => process.exit(0),
        () => process.exit(1),
      );
  };
  process.on('SIGTERM', close);
  process.on('SIGINT', close);
  process.on('SIGHUP', close);
  // Whoever reads the line may leave after it: a closed pipe is no reason to die.
  process.stdout.on('error', () => undefined);
  if (parsed.options.exitWithParent) {
    process.stdin.on('end', close);
    process.stdin.on('error', close);
    process.stdin.resume();
  }
  const sandbox = await starting;
  process.stdout.write(`${JSON.stringify(sandbox.info)}\n`);
}

run(process.argv.slice(2)).catch((error: unknown) => {
  finish({ stdout: '', stderr: `sandbox: ${error instanceof Error ? error.message : String(error)}\n`, code: 1 });
});
