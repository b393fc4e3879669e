import { join, resolve } from 'node:path';
import { type Config, loadConfig, userFolders } from '../config.ts';
import { conflict, invalidInput } from '../errors.ts';
import { nameForFile } from './approver-secret.ts';
import { configure, type Env, systemClock } from './compose.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { gatherAnswers } from './init/answers.ts';
import { CLIENT_FORMS, type Client } from './init/clients.ts';
import { clientFile, type Entry, entryFor, type Merge, mergeEntry, SERVER_NAME } from './init/entry.ts';
import { exists, keepCopy, writeWhole } from './init/files.ts';
import { type InitFlags, shapesConfig } from './init/flags.ts';
import { afterwards, checkPasskeyFlags } from './init/passkey.ts';
import {
  changedSecrets,
  type NewSecret,
  type SecretChange,
  secretFromPipe,
  secretFromTerminal,
  type Whose,
} from './init/secret.ts';
import { type Answers, configText } from './init/yaml.ts';
import { complain, print } from './output.ts';
import { recordKey } from './record-key.ts';
import { recordPeople } from './record-people.ts';

export type { InitFlags } from './init/flags.ts';

/**
 * Sets the product up: configuration, approver's secret, key of the record, entry of a client. Everything is asked and checked before the first
 * file is written. Errors: `CONFLICT` where something is there already and `force` is not given, `INVALID_INPUT`, `FORBIDDEN`.
 */
export async function init(flags: InitFlags, env: Env): Promise<ExitCode> {
  const interactive = process.stdin.isTTY === true && !flags.yes && !flags.secret_stdin;
  const path = resolve(flags.config ?? env.INCIDENT_MCP_CONFIG ?? join(userFolders(env).config, 'config.yaml'));
  const client = clientOf(flags);
  const draft = await draftOf(flags, env, path, interactive);
  const { config } = draft;
  const merge =
    client && flags.write_client
      ? await mergeEntry(resolve(flags.write_client), client.name, entryFor(client.name, path), flags.force)
      : null;
  const whose = whoseOf(flags, interactive);
  checkPasskeyFlags(flags);
  const secret = await secretOf(flags, config, whose, interactive);
  const change = secret === null ? null : await changedSecrets(config, whose, secret);

  if (draft.text !== null) await writeConfig(path, draft.text, draft.answers);
  else print(`${path} is left as it is.`);
  await writeSecret(config, whose, change);
  const had = await exists(config.key_file);
  recordKey(config.key_file);
  print(`The key of the record ${had ? 'is' : 'was made'} in ${config.key_file}; keep a copy of it in a safe place.`);
  if (client) await tellClient(client.name, entryFor(client.name, path), merge, flags.write_client);
  await afterwards(flags, config, env, interactive, secret === null ? null : { person: whose });
  print();
  print(`Next: incident-mcp doctor --config ${path}`);
  return EXIT.ok;
}

function clientOf(flags: InitFlags): { name: Client } | null {
  if (flags.client !== undefined) return { name: flags.client as Client };
  if (flags.write_client === undefined) return null;
  throw invalidInput('--write-client needs the client that the file belongs to.', 'give --client too.');
}

interface Draft {
  /** null: the present file stays. */
  text: string | null;
  answers: Answers | null;
  /** As it will be read. */
  config: Config;
}

async function draftOf(flags: InitFlags, env: Env, path: string, interactive: boolean): Promise<Draft> {
  const present = await exists(path);
  if (flags.secret_only && shapesConfig(flags))
    throw invalidInput('--secret-only leaves the configuration alone.', 'leave the other flags away.');
  const onlyClient =
    (flags.client !== undefined || flags.passkey) &&
    !flags.secret_stdin &&
    flags.approver === undefined &&
    !shapesConfig(flags);
  const asIs = (): Draft => ({ text: null, answers: null, config: configure({ config: path }, env) });
  if (flags.secret_only) {
    if (present) return asIs();
    throw conflict(`${path} does not exist.`, 'leave --secret-only away to write it too.');
  }
  if (present && !flags.force) {
    if (onlyClient) return asIs();
    throw conflict(
      `${path} exists already; nothing was written.`,
      'give --force to replace it (a copy is kept), --secret-only to set the secret, or --config for another place.',
    );
  }
  if (interactive) print('Empty answers take what stands in brackets.');
  const answers = await gatherAnswers(flags, env, interactive);
  const text = configText(answers);
  const config = loadConfig({
    flags: { config: path },
    env,
    cwd: process.cwd(),
    readFile: (file) => (file === path ? text : null),
  });
  return { text, answers, config };
}

function whoseOf(flags: InitFlags, interactive: boolean): Whose {
  if (flags.approver === undefined) return null;
  const name = nameForFile(flags.approver);
  if (name === null) throw invalidInput('--approver is no name of a person.', 'give a name of at most 100 characters.');
  if (!flags.secret_stdin && !interactive)
    throw invalidInput(`there is no secret for ${name}.`, 'pipe it in with --secret-stdin, or run this in a terminal.');
  return name;
}

async function secretOf(flags: InitFlags, config: Config, whose: Whose, interactive: boolean): Promise<NewSecret> {
  if (flags.secret_stdin) return secretFromPipe();
  const wanted = flags.force || flags.secret_only || whose !== null || !(await exists(config.secret_file));
  return interactive && wanted ? secretFromTerminal(config, whose) : null;
}

async function writeConfig(path: string, text: string, answers: Answers | null): Promise<void> {
  if (await exists(path)) print(`A copy of the old configuration is ${await keepCopy(path, systemClock.now())}`);
  await writeWhole(path, text, { private: true });
  const { environment = '', context = null, releases = [] } = answers ?? {};
  print(`Wrote ${path}:`);
  print(`  environment ${environment}, context ${context ?? 'of the kubeconfig, whichever is current'}`);
  print(
    `  releases ${releases.map(({ name, namespace }) => `${name} in ${namespace}`).join(', ') || 'of the shipped runbook'}`,
  );
}

async function writeSecret(config: Config, whose: Whose, change: SecretChange | null): Promise<void> {
  const what = whose === null ? "approver's secret" : `secret of ${whose}`;
  if (change !== null) {
    await writeWhole(config.secret_file, change.text, { private: true });
    print(`The ${what} is set; only its hash is kept, in ${config.secret_file}.`);
    if (change.allowed_by !== undefined)
      await recordPeople(config, `the ${what} was set, allowed by ${change.allowed_by ?? "the approver's secret"}`);
  } else if (await exists(config.secret_file)) {
    print(`The ${what} in ${config.secret_file} stays as it is.`);
  } else {
    complain(
      "No approver's secret is set, so nobody can approve at a terminal. Set it: incident-mcp init --secret-only",
    );
  }
}

async function tellClient(client: Client, entry: Entry, merge: Merge | null, file: string | undefined): Promise<void> {
  const { title, place } = CLIENT_FORMS[client];
  if (merge === null) {
    print();
    print(`Entry for ${title}, to be put into ${place}:`);
    print(clientFile(client, entry).trimEnd());
    return;
  }
  if (merge.text === merge.before) {
    print(`${file} has the entry "${SERVER_NAME}" already.`);
    return;
  }
  if (merge.before !== null) print(`A copy of the old file is ${await keepCopy(merge.path, systemClock.now())}`);
  await writeWhole(merge.path, merge.text, { private: false });
  print(`Wrote the entry "${SERVER_NAME}" for ${title} into ${file}; its other entries are as they were.`);
}
