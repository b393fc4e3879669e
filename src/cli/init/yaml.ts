import { stringify } from 'yaml';

export interface Release {
  name: string;
  namespace: string;
}

/** What a new configuration says; what is null is left to its default. */
export interface Answers {
  environment: string;
  context: string | null;
  kubeconfig: string | null;
  releases: Release[];
  protected: boolean;
  prometheus: string | null;
  alertmanager: string | null;
  data_dir: string | null;
}

/** A value on one line, quoted where YAML would take it for something else. */
const scalar = (text: string): string => stringify(text, { lineWidth: 0, defaultStringType: 'PLAIN' }).trimEnd();

/** `key: value`, or an example of it as a comment. */
const line = (indent: string, key: string, value: string | null, example: string): string =>
  value === null ? `${indent}# ${key}: ${example}` : `${indent}${key}: ${scalar(value)}`;

/** A short configuration with comments; it leaves out what the defaults say. */
export function configText(answers: Answers): string {
  const { environment, releases, prometheus, alertmanager } = answers;
  const signals = prometheus !== null || alertmanager !== null;
  const comment = signals ? '' : '# ';
  const source = (key: string, url: string | null, example: string): string[] => [
    `${url === null ? '# ' : ''}  ${key}:`,
    `${url === null ? '# ' : ''}    url: ${url === null ? example : scalar(url)}`,
  ];
  return `${[
    '# Configuration of incident-mcp. What is not named here has a default; docs/configuration.md lists every key.',
    '# Check it with: incident-mcp doctor',
    'environments:',
    `  ${scalar(environment)}:`,
    line('    ', 'kubeconfig', answers.kubeconfig, '~/.kube/config'),
    line('    ', 'context', answers.context, 'prod-cluster   # default: the current one of the kubeconfig'),
    "    # A protected environment asks for more than a client's form before a change of high risk.",
    `    protected: ${answers.protected}`,
    ...(releases.length > 0
      ? [
          '    releases:',
          ...releases.flatMap(({ name, namespace }) => [
            `      - name: ${scalar(name)}`,
            `        namespace: ${scalar(namespace)}`,
          ]),
        ]
      : []),
    '    # health_endpoints:',
    '    #   - name: control-plane',
    '    #     url: https://control-plane.example.com/healthz',
    `${comment}signals:`,
    ...source('prometheus', prometheus, 'https://prometheus.example.com'),
    ...source('alertmanager', alertmanager, 'https://alertmanager.example.com'),
    '# notify:   # secrets by environment variable or file, never here',
    '#   slack:',
    '#     url_env: INCIDENT_SLACK_URL',
    ...(answers.data_dir === null ? [] : ['store:', `  dir: ${scalar(answers.data_dir)}`]),
  ].join('\n')}\n`;
}
