export interface InitFlags {
  /** Where to write; default: the user's folder. */
  config?: string;
  data_dir?: string;
  environment?: string;
  context?: string;
  kubeconfig?: string;
  /** `NAME/NAMESPACE` each. */
  releases: string[];
  prometheus?: string;
  alertmanager?: string;
  protected: boolean;
  no_protected: boolean;
  secret_stdin: boolean;
  secret_only: boolean;
  /** Whose secret it is; absent: the one that all share. */
  approver?: string;
  /** Enrol a passkey at the end. */
  passkey: boolean;
  client?: string;
  write_client?: string;
  force: boolean;
  yes: boolean;
}

/** Whether the flags say something about what stands in the configuration. */
export const shapesConfig = (flags: InitFlags): boolean =>
  [flags.data_dir, flags.environment, flags.context, flags.kubeconfig, flags.prometheus, flags.alertmanager].some(
    (value) => value !== undefined,
  ) ||
  flags.releases.length > 0 ||
  flags.protected ||
  flags.no_protected;
