import type { z } from 'zod';
import type { Approval } from '../domain/approval.ts';
import type { Draft, Plan } from '../domain/plan.ts';
import type { ReadContext, RecordContext, RunResult, WriteContext } from './context.ts';
import type { GateResult } from './gate/result.ts';

/** What a tool may do; hints, gate, `--read-only` and the documentation derive from it. */
export type Effect = 'read' | 'record' | 'gated';

/** A form of flat fields, as plain JSON Schema. */
export interface Question {
  message: string;
  requestedSchema: {
    type: 'object';
    properties: Record<
      string,
      { type: 'string'; title: string; description?: string } | { type: 'boolean'; title: string }
    >;
    required?: string[];
  };
}

interface Definition<In extends z.ZodObject> {
  /** snake_case verb, fixed by the contract. */
  name: string;
  title: string;
  /** For the model, under 600 characters: what it does, when to use it, what it does not do. */
  description: string;
  input: In;
  /** Hosts that can show cards show its results in one; every gated tool has one anyway. */
  card?: boolean;
}

interface Answering<In extends z.ZodObject, Out extends z.ZodObject> extends Definition<In> {
  output: Out;
  /** Short text for the model. Text from outside must come fenced. */
  render: (result: z.output<Out>, context: ReadContext) => string;
  /** The incident whose line of state begins the text; default: the argument `incident_id`, else the open one. */
  incidentOf?: (result: z.output<Out>) => string | null;
}

export interface ReadTool<In extends z.ZodObject = z.ZodObject, Out extends z.ZodObject = z.ZodObject>
  extends Answering<In, Out> {
  effect: 'read';
  handle: (args: z.output<In>, context: ReadContext) => Promise<z.input<Out>>;
}

export interface RecordTool<In extends z.ZodObject = z.ZodObject, Out extends z.ZodObject = z.ZodObject>
  extends Answering<In, Out> {
  effect: 'record';
  /** A record tool that can be called twice with the same effect. */
  idempotent?: boolean;
  handle: (args: z.output<In>, context: RecordContext) => Promise<z.input<Out>>;
  /**
   * A question to the client's user before the record is written, where the client can show one; null: nothing to ask. The answer is in
   * `context.answer`, and a call without one goes on as the assistant's word.
   */
  question?: (args: z.output<In>, context: ReadContext) => Promise<Question | null>;
  /** Some arguments make it an act that a human must approve first: those calls go through the gate, with this tool's own output. */
  gate?: {
    // biome-ignore lint/suspicious/noExplicitAny: it takes the same input; naming it here would close a circle of types.
    tool: GatedTool<any>;
    applies: (args: z.output<In>) => boolean;
    result: (gate: GateResult, args: z.output<In>, at: string) => z.input<Out>;
  };
}

export interface GatedTool<In extends z.ZodObject = z.ZodObject> extends Definition<In> {
  effect: 'gated';
  /** Looks, and says exactly what would run. Called a second time right before running: the digest must be the same. */
  plan: (args: z.output<In>, context: ReadContext) => Promise<Draft>;
  /** Runs exactly the plan. It is not aborted by the client; it must end by its own deadlines. */
  run: (plan: Plan, context: WriteContext) => Promise<RunResult>;
  /**
   * What became of a run whose server died: asks the world. null while it is still going on. Never acts.
   */
  reconcile: (approval: Approval, context: ReadContext) => Promise<RunResult | null>;
}

// biome-ignore lint/suspicious/noExplicitAny: a heterogeneous list erases each tool's own schema; defineTool keeps it at the definition.
export type AnyReadTool = ReadTool<any, any>;
// biome-ignore lint/suspicious/noExplicitAny: as above
export type AnyRecordTool = RecordTool<any, any>;
// biome-ignore lint/suspicious/noExplicitAny: as above
export type AnyGatedTool = GatedTool<any>;
export type AnyTool = AnyReadTool | AnyRecordTool | AnyGatedTool;

/** Fixes the types of one definition. The overloads keep a read tool from being given a writing context. */
export function defineTool<In extends z.ZodObject, Out extends z.ZodObject>(tool: ReadTool<In, Out>): ReadTool<In, Out>;
export function defineTool<In extends z.ZodObject, Out extends z.ZodObject>(
  tool: RecordTool<In, Out>,
): RecordTool<In, Out>;
export function defineTool<In extends z.ZodObject>(tool: GatedTool<In>): GatedTool<In>;
export function defineTool(tool: AnyTool): AnyTool {
  return tool;
}

export type { GateResult };

/** Every tool that acts behind the gate, also those that only some arguments lead there. */
export const gatedTools = (tools: readonly AnyTool[]): AnyGatedTool[] =>
  tools.flatMap((tool) =>
    tool.effect === 'gated' ? [tool] : tool.effect === 'record' && tool.gate ? [tool.gate.tool] : [],
  );
