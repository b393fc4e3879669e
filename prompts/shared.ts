import { severityMatrixMarkdown } from '../src/domain/matrix.ts';
import { SEVERITIES } from '../src/domain/severity.ts';
import { fence, oneLine } from '../src/domain/text.ts';
import type { PromptArgument, PromptContext } from '../src/mcp/prompt.ts';

/** Parts that several prompts share; all come from the one configured matrix and runbook. */

export const matrix = (context: PromptContext): string => severityMatrixMarkdown(context.config.severity_matrix);

export const incidentArgument: PromptArgument = {
  description: 'Incident, such as INC-0007; default: the open one.',
  complete: async (context) => (await context.record.incidents()).map((incident) => incident.id),
};

export const environmentArgument: PromptArgument = {
  description: 'Environment; default: the configured one.',
  complete: (context) => Object.keys(context.config.environments),
};

export const severityArgument: PromptArgument = {
  description: 'Severity, such as SEV2.',
  complete: () => [...SEVERITIES],
};

export const releaseArgument: PromptArgument = {
  description: 'Helm release that is suspected.',
  complete: (context) => [
    ...new Set(
      Object.values(context.config.environments).flatMap((env) => env.releases.map((release) => release.name)),
    ),
  ],
};

/** What the human typed into the prompt's argument: data that may have been pasted from anywhere. */
export const given = (label: string, text: string | undefined): string => (text ? `\n${fence(label, text)}\n` : '');

/** A section of the first configured runbook that has it, so that steps have one source; empty where no runbook has it. */
export async function runbookSection(context: PromptContext, heading: RegExp): Promise<string> {
  for (const book of await context.runbooks.list()) {
    const text = (await context.runbooks.read(book.name)) ?? '';
    const sections = text.split(/^(?=## )/m);
    const found = sections.find((section) => heading.test(section.split('\n', 1)[0] ?? ''));
    if (found) return `From runbook://${book.name}:\n\n${found.trim()}`;
  }
  return '';
}

export const named = (text: string | undefined, otherwise: string): string => (text ? oneLine(text, 100) : otherwise);

export const HUMAN_DECIDES =
  'Where the human decides: every change of production. You make the plan; the human approves it in the form, at a terminal or on the page. On approval_required or declined: stop, show the plan and the ways to approve, and wait. Never work around a refusal, never approve by yourself, never run the command by other means.';
