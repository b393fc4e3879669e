/** The parts of the answers that the script decides by. */

export interface Fleet {
  customers_affected: number | null;
  customers_total: number | null;
  scope: 'all' | 'many' | 'some' | 'none' | null;
}

export interface Component {
  name: string;
  kind: string;
  namespace: string | null;
  status: string;
  reason: string | null;
}

export interface Health {
  status: 'healthy' | 'degraded' | 'down' | 'unknown';
  components: Component[];
  alerts: { name: string; component: string | null; started_at: string | null; state: string }[];
}

export interface Deploys {
  deploys: { release: string; revision: number; deployed_at: string | null }[];
  rollback_candidate: {
    release: string;
    namespace: string;
    from_revision: number;
    to_revision: number;
    reason: string;
  } | null;
}

export interface Assessed {
  severity: string;
  reasons: string[];
  evidence: { llm_indicator: string | null };
}

export interface Provider {
  indicator: string;
  action_needed: boolean | null;
  guidance: string;
  customer_message: string | null;
}

export interface Gated {
  status: string;
  approval_id: string | null;
  plan: Plan;
}

export interface Plan {
  action: string;
  environment: string;
  target: string;
  namespace: string | null;
  from: string | number;
  to: string | number;
}
