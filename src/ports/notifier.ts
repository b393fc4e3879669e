import type { Severity } from '../domain/severity.ts';

export interface Notice {
  incident_id: string;
  /** Unique per message: the receiver's key against doubles. */
  key: string;
  kind: 'declared' | 'acknowledged' | 'updated' | 'resolved' | 'approval' | 'update';
  severity: Severity;
  environment: string;
  title: string;
  text: string;
  /** Chain value of the newest event, so that outsiders hold a witness of the record. */
  head_hash: string;
  /** Counts reopenings: PagerDuty opens a new alert for the same incident after a resolve. */
  cycle: number;
}

export interface Delivery {
  channel: string;
  status: 'sent' | 'queued' | 'failed' | 'not_configured';
  /** Clean of secrets. */
  error?: string;
}

/** Delivers notices; never throws for a dead receiver. */
export interface Notifier {
  send(notice: Notice): Promise<Delivery[]>;
}
