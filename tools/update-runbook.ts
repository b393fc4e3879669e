import { createHash } from 'node:crypto';
import { z } from 'zod';
import { maskText } from '../src/domain/mask.ts';
import { MAX_RUNBOOK_BYTES, renderSection, withSection } from '../src/domain/runbook-section.ts';
import { cleanText } from '../src/domain/text.ts';
import { conflict } from '../src/errors.ts';
import type { ReadContext } from '../src/mcp/context.ts';
import * as s from '../src/mcp/schemas.ts';
import { defineTool } from '../src/mcp/tool.ts';

type Args = {
  runbook: string;
  failure_mode: string;
  detection: string;
  mitigation: string;
  incident_id?: string | undefined;
};

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

export const updateRunbook = defineTool({
  name: 'update_runbook',
  title: 'Update a runbook',
  effect: 'gated',
  description:
    'Plans a new or changed section of a runbook file for one failure mode: how it is detected and mitigated. Writes the file only after a human approved the text. Use it after an incident that showed a new failure mode.',
  input: z.strictObject({
    runbook: z
      .string()
      .max(79)
      .regex(
        /^(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._-]*$/,
        'must be the name of a runbook: letters, digits, "-", "_" and "."',
      )
      .describe('Name as in runbook://{name}.'),
    failure_mode: s.text(120).describe('What fails, in a few words; the heading of the section.'),
    detection: s.text(3_000).describe('How it shows.'),
    mitigation: s.text(3_000).describe('What to do.'),
    incident_id: s.incidentId.optional().describe('Default: the open incident.'),
    approval_id: s.approvalId.optional().describe('From the plan, after a human approved.'),
  }),
  plan: async (args, context) => {
    const environment = await environmentOf(args, context);
    const section = renderSection(clean(args), args.incident_id ?? null);
    const old = await context.runbooks.read(args.runbook);
    const { text, before } = withSection(old, args.runbook, section);
    if (text === old) throw conflict(`the runbook ${args.runbook} says that already.`, 'nothing needs to be done.');
    if (Buffer.byteLength(text) > MAX_RUNBOOK_BYTES)
      throw conflict(
        `the runbook ${args.runbook} is or would be longer than ${MAX_RUNBOOK_BYTES / 1024} KB.`,
        'split it, or write the section into another runbook.',
      );
    const path = context.runbooks.pathOf(args.runbook);
    return {
      action: 'update_runbook',
      environment,
      cluster: 'none: a file of this machine',
      target: args.runbook,
      namespace: null,
      from: old === null ? 'no such runbook' : before === null ? 'no such section' : 'the present section',
      to: before === null ? 'a new section' : 'the changed section',
      command: ['write-file', path],
      changes: [{ kind: 'Runbook', name: args.runbook, field: 'section', from: before, to: section }],
      changes_total: 1,
      blast_radius: { pods: 0, customers: 0 },
      warnings: [
        ...(old === null ? [`There is no runbook ${args.runbook}: it is made new.`] : []),
        ...(before === null ? [] : ['The present section of this failure mode is replaced.']),
      ],
      risk: 'low',
      reason: 'a failure mode is to be in the runbook',
      world: { path, before: old === null ? null : sha256(old), after: sha256(text) },
    };
  },
  run: async (plan, context) => {
    const section = plan.changes[0]?.to ?? '';
    const { text } = withSection(await context.runbooks.read(plan.target), plan.target, section);
    if (sha256(text) !== context.approval.world.after) {
      return {
        status: 'failed',
        summary: `the runbook ${plan.target} changed meanwhile; nothing was written`,
        details: {},
      };
    }
    await context.actuators.runbooks.write(plan.target, text);
    return {
      status: 'executed',
      summary: `wrote ${section.split('\n', 1)[0]?.replace('## ', '')} into ${plan.target}`,
      details: { path: plan.command[1] ?? null },
    };
  },
  reconcile: async (approval, context) => {
    const text = await context.runbooks.read(approval.plan.target);
    const written = text !== null && sha256(text) === approval.world.after;
    return {
      status: written ? 'executed' : 'failed',
      summary: written
        ? `the section is in ${approval.plan.target}`
        : `${approval.plan.target} does not hold the section; it was not written`,
      details: {},
    };
  },
});

const clean = (args: Args) => ({
  failure_mode: maskText(cleanText(args.failure_mode)),
  detection: maskText(cleanText(args.detection)),
  mitigation: maskText(cleanText(args.mitigation)),
});

/** A runbook belongs to no environment; policy is asked for the incident's, else for the default one. */
async function environmentOf(args: Args, context: ReadContext): Promise<string> {
  const incident = args.incident_id ? await context.record.incident(args.incident_id) : null;
  return incident?.environment ?? context.config.default_environment;
}
