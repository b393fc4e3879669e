import type { Instant } from './instant.ts';
import { HOUR, MINUTE } from './instant.ts';

export type Indicator = 'none' | 'minor' | 'major' | 'critical' | 'unknown';

/** Source: the runbook, "LLM provider outage": no action of ours is needed unless the outage exceeds 1 hour. */
export const ACT_AFTER_MS = HOUR;

export interface ProviderVerdict {
  outage_minutes: number | null;
  /** null: not known, since the page could not be read or does not say since when. */
  action_needed: boolean | null;
  guidance: string;
  customer_message: string | null;
}

const CUSTOMER =
  'Analyses are delayed because of an outage at our AI provider. They are queued and will complete once the provider recovers; nothing is lost and there is nothing for you to do.';

/** The one-hour rule and the wording for customers. Source: the runbook, "LLM provider outage". */
export function judgeProvider(indicator: Indicator, startedAt: Instant | null, now: Date): ProviderVerdict {
  if (indicator === 'unknown') {
    return {
      outage_minutes: null,
      action_needed: null,
      guidance:
        "The provider's status page could not be read: check it by hand before blaming or excluding the provider.",
      customer_message: null,
    };
  }
  if (indicator === 'none') {
    return {
      outage_minutes: null,
      action_needed: false,
      guidance: 'The provider reports no trouble: look for the cause elsewhere.',
      customer_message: null,
    };
  }
  if (startedAt === null) {
    return {
      outage_minutes: null,
      action_needed: null,
      guidance: 'The provider reports trouble, but not since when: find out by hand whether it exceeds one hour.',
      customer_message: CUSTOMER,
    };
  }
  const age = Math.max(0, now.getTime() - Date.parse(startedAt));
  const act = age > ACT_AFTER_MS;
  return {
    outage_minutes: Math.floor(age / MINUTE),
    action_needed: act,
    guidance: act
      ? 'The outage exceeds one hour: act. Ask the human to decide, for instance on another provider or on pausing intake; tell customers again.'
      : 'Wait: the analysis engine queues work by itself, with exponential back-off. No action of ours is needed unless the outage exceeds one hour. Tell customers.',
    customer_message: CUSTOMER,
  };
}
