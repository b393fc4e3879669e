import { spawn } from 'node:child_process';
import { startLab } from './lab.ts';
import { Missing } from './programs.ts';

/**
 * `main.ts COMMAND ARGUMENTS...` runs the command with `INCIDENT_MCP_LAB` naming the lab, and ends with its exit code. Without a command the lab stays up
 * until it is interrupted; its file is printed. Exit 2: something is missing, and it says what and how to get it.
 */
async function main(argv: readonly string[]): Promise<number> {
  const [command, ...rest] = argv;
  if (!process.env.INCIDENT_MCP_TEST_NAMESPACE_PREFIX && process.env.KUBECONFIG)
    process.stderr.write(
      'KUBECONFIG is not used: a cluster of its own is started. Set INCIDENT_MCP_TEST_NAMESPACE_PREFIX too to use yours.\n',
    );
  const stopped = interrupted();
  const lab = await startLab();
  try {
    process.stderr.write(`cluster: ${lab.lab.cluster}, ${lab.lab.context}\n`);
    if (command === undefined) {
      process.stdout.write(`${lab.file}\n`);
      await stopped;
      return 0;
    }
    return await finished(command, rest, lab.file, stopped);
  } finally {
    await lab.stop();
  }
}

/** Settles when the user or a runner asks to end. */
function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve());
  });
}

function finished(command: string, argv: readonly string[], file: string, stopped: Promise<void>): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...argv], { stdio: 'inherit', env: { ...process.env, INCIDENT_MCP_LAB: file } });
    void stopped.then(() => child.kill('SIGTERM'));
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 1));
  });
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const missing = error instanceof Missing;
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  if (missing)
    process.stderr.write(
      'Or use a cluster you have: KUBECONFIG=FILE INCIDENT_MCP_TEST_NAMESPACE_PREFIX=imcp npm run test:cluster\n',
    );
  process.exitCode = missing ? 2 : 1;
}
