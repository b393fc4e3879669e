import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSecretKey, maskText, maskValue } from '../../src/domain/mask.ts';

const letters = (alphabet: string, min: number, max: number) =>
  fc.string({ unit: fc.constantFrom(...alphabet), minLength: min, maxLength: max });
const ALNUM = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
/** Holds a digit and a capital run so that it cannot occur by chance in the text around it. */
const secret = letters(ALNUM, 16, 40).map((s) => `Zq9${s}`);

describe('maskText never lets a planted secret out', () => {
  const hosts: [string, (s: string) => string][] = [
    ['bearer', (s) => `curl -H 'Authorization: Bearer ${s}' https://api.example`],
    ['bearer alone', (s) => `sent bearer ${s}, refused`],
    ['basic', (s) => `got Basic ${Buffer.from(`u:${s}`).toString('base64')} from client`],
    ['env', (s) => `DATABASE_PASSWORD=${s} ./run`],
    ['pg', (s) => `PGPASSWORD=${s}`],
    ['json', (s) => `{"user":"x","password":"${s}","port":1}`],
    ['json in json', (s) => `{"m":"{\\"clientSecret\\":\\"${s}\\",\\"b\\":1}"}`],
    ['json list', (s) => `{"tokens":["a","${s}"],"b":1}`],
    ['json object', (s) => `{"credentials":{"a":{"b":"${s}"}},"b":1}`],
    ['yaml', (s) => `a: 1\napi_key: first ${s}\nb: 2`],
    ['yaml block', (s) => `password: |\n  line\n  ${s}\nnext: 1`],
    ['yaml list', (s) => `a:\n  tokens:\n  - x\n  - ${s}\nb: 1`],
    ['yaml map', (s) => `credentials:\n  admin: ${s}\nb: 1`],
    ['token in a sentence', (s) => `login failed, token: ${s} is not known`],
    ['quoted with spaces', (s) => `secret = "first word ${s}"`],
    ['query', (s) => `GET /x?api-key=${s}&y=1`],
    ['signature', (s) => `https://x.example/a?sig=${s}&b=1`],
    ['url', (s) => `postgres://app:${s}@db.example:5432/x`],
    ['url with at', (s) => `https://app:p@${s}@db.example/x`],
    ['url token only', (s) => `https://${s}@git.example/x.git`],
    ['mysql', (s) => `root:${s}@tcp(db:3306)/x`],
    ['slack', (s) => `posting to https://hooks.slack.com/services/T000/B000/${s} failed`],
    ['flag', (s) => `tool --db-password ${s} --verbose`],
    ['flag equals', (s) => `helm upgrade --set db.password=${s}`],
    ['sk', (s) => `key sk-proj-${s}aaaaaaaa used`],
    ['ghp', (s) => `ghp_${s}`],
    ['cookie', (s) => `Cookie: a=b; session=${s}\nHost: x`],
    ['short no space', (s) => `password:${s}`],
    ['pem', (s) => `x -----BEGIN RSA PRIVATE KEY-----\nAAAA${s}\n-----END RSA PRIVATE KEY----- y`],
    ['pem cut', (s) => `-----BEGIN PRIVATE KEY-----\n${s}`],
    ['jwt', (s) => `eyJhbGciOiJIUzI1NiJ9.${s}.${s}`],
    ['azure', (s) => `AccountName=x;AccountKey=${s}==;EndpointSuffix=y`],
  ];
  const plain = letters('abcdefghij klmnopqrst\n.,', 0, 30);
  it.each(hosts)('%s', (_name, plant) => {
    fc.assert(
      fc.property(secret, plain, plain, (s, before, after) => {
        expect(maskText(`${before}\n${plant(s)}\n${after}`)).not.toContain(s);
      }),
      { numRuns: 60 },
    );
  });
  it('any printable password in quotes or without spaces', () => {
    const odd = letters('Zq9aA!#$%^*()+,./:;<=>?@[]^_{|}~-', 8, 24).map((s) => `Zq9${s}9qZ`);
    fc.assert(
      fc.property(odd, (s) => {
        expect(maskText(`{"password":"${s}","a":1}`)).not.toContain(s);
        expect(maskText(`PASSWORD=${s}`)).not.toContain(s);
      }),
    );
  });
  it('masks AWS access keys', () => {
    expect(maskText('id AKIAIOSFODNN7EXAMPLE here')).toBe('id *** here');
  });
});

describe('maskText leaves ordinary text', () => {
  it.each([
    'Rollback was a success! Happy Helming!',
    'pulsestream-core revision 42 of chart pulsestream-core-2.4.1, app 3.9.0',
    'ghcr.io/acme/analysis-engine:3.9.0@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    'registry.example/secret-sync:1.2.3 pulled',
    'dial tcp 10.0.0.1:6443: connect: connection refused',
    'secrets is forbidden: User "dev" cannot list resource "secrets" in API group "" in the namespace "x"',
    'secretKeyRef.name: pulsestream-credentials',
    'automountServiceAccountToken: true',
    'max_tokens=4096 prompt_tokens: 12',
    'token-service:8080 answered 200',
    'invalid bearer token, basic authentication is off',
    'https://grafana.example:3000/d/abc?from=1&to=2',
    'commit 0a4d55a8d778e5022fab701977c5d840bbc486d0',
    'task-scheduler-7d9f8b6c5d-x2k4p restarted 5 times',
  ])('%s', (text) => {
    expect(maskText(text)).toBe(text);
  });
  it('keeps the neighbours of what it masks', () => {
    expect(maskText('{"password":"x1","port":5432}')).toBe('{"password":"***","port":5432}');
    expect(maskText('user=app PASSWORD=x1 host=db')).toBe('user=app PASSWORD=*** host=db');
    expect(maskText('postgres://app:x1@db.example:5432/x')).toBe('postgres://***@db.example:5432/x');
  });
  it('masking twice changes nothing', () => {
    fc.assert(
      fc.property(fc.string(), secret, (text, s) => {
        const once = maskText(`${text} password: ${s}`);
        expect(once).not.toContain(s);
        expect(maskText(once)).toBe(once);
      }),
    );
  });
  it('is quick on a megabyte of hostile text', () => {
    for (const unit of [
      'a',
      'a.',
      'token=',
      '://',
      'password:\n',
      '"',
      '{"secret":[',
      '-----BEGIN PRIVATE KEY',
      'a:a@',
      '--a ',
      'token= ',
      'eyJaaaaa.',
    ]) {
      const started = performance.now();
      maskText(unit.repeat(Math.ceil(1_000_000 / unit.length)));
      expect(performance.now() - started, unit).toBeLessThan(3000);
    }
  });
});

describe('isSecretKey', () => {
  it.each([
    ['password', true],
    ['DATABASE_PASSWORD', true],
    ['PGPASSWORD', true],
    ['apiKey', true],
    ['API-KEY', true],
    ['aws_secret_access_key', true],
    ['tls.key', true],
    ['SLACK_WEBHOOK_URL', true],
    ['sessionToken', true],
    ['smtp_pass', true],
    ['routing_key', true],
    ['Authorization', true],
    ['clientSecret', true],
    ['authtoken', true],
    ['secretName', false],
    ['token_file', false],
    ['secretKeyRef', false],
    ['max_tokens', false],
    ['LOG_LEVEL', false],
    ['keyspace', false],
    ['publicKey', false],
    ['bypass', false],
    ['PASSWORD_MIN_LENGTH', false],
    ['tokenizer', false],
    ['image', false],
    ['replicas', false],
    ['', false],
  ] as const)('%s -> %s', (name, expected) => {
    expect(isSecretKey(name)).toBe(expected);
  });
  it('maskValue hides the value of a secret name and the secrets inside others', () => {
    expect(maskValue('DB_PASSWORD', 'x')).toBe('***');
    expect(maskValue('DATABASE_URL', 'postgres://a:b@h/x')).toBe('postgres://***@h/x');
    expect(maskValue('LOG_LEVEL', 'debug')).toBe('debug');
  });
});
