import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Approval } from '../../src/domain/approval.ts';
import { fold } from '../../src/domain/fold.ts';
import type { Incident } from '../../src/domain/incident.ts';
import { metricsOf } from '../../src/domain/metrics.ts';
import { type PostmortemInput, renderPostmortem, SECTION_IDS, SECTIONS } from '../../src/domain/postmortem/index.ts';
import type { IncidentChange, TimelineEvent } from '../../src/domain/timeline.ts';
import { approval, at, event, min, plan } from './builders.ts';

const ASSISTANT = { type: 'assistant', name: 'client 1.0' } as const;

const declared = (more: Partial<NonNullable<IncidentChange['declared']>> = {}): TimelineEvent =>
  event(1, {
    kind: 'declared',
    message: 'declared SEV3',
    actor: ASSISTANT,
    occurred_at: min(0),
    change: {
      declared: {
        id: 'INC-0007',
        title: 'Agents drop',
        severity: 'SEV3',
        environment: 'prod',
        summary: null,
        components: ['agent'],
        drill: false,
        declared_at: min(0),
        detected_at: min(0),
        detected_by: null,
        impact_started_at: null,
        ...more,
      },
    },
  });

type Over = Partial<Omit<PostmortemInput, 'events' | 'incident' | 'metrics'>>;

function render(events: TimelineEvent[], over: Over = {}) {
  const incident = fold(events) as Incident;
  const metrics = metricsOf(incident, events);
  return renderPostmortem({
    incident,
    events,
    metrics,
    approvals: [],
    claims: [],
    similar: [],
    previous: null,
    now: at(90),
    ...over,
  });
}

const change = (seq: number, change: IncidentChange, more: Partial<TimelineEvent> = {}): TimelineEvent =>
  event(seq, { kind: 'updated', actor: ASSISTANT, change, ...more });

const ITEM = {
  id: 'A1',
  title: 'Alert on agent count',
  kind: 'detect' as const,
  owner: null,
  due: null,
  ticket: null,
  done: false,
  created_at: min(9),
};

/** Everything a finished post-mortem needs, and an executed rollback. */
const finished = (): TimelineEvent[] => [
  declared({
    impact_started_at: min(-10),
    detected_at: min(-5),
    detected_by: { source: 'grafana', reference: 'AgentsDown' },
  }),
  event(2, {
    kind: 'health_snapshot',
    message: 'at declaration: health degraded',
    data: {
      customers_affected: 40,
      customers_total: 100,
      affected_percent: 40,
      agents_expected: 500,
      agents_connected: 300,
      sources_down: ['prometheus'],
    },
  }),
  event(3, {
    kind: 'health_snapshot',
    message: 'deploys within 24 hours',
    data: { deploys: [{ release: 'core', revision: 12, status: 'deployed', deployed_at: min(-14) }] },
  }),
  event(4, { kind: 'severity_changed', actor: ASSISTANT, change: { severity: 'SEV2' }, message: 'SEV3 -> SEV2' }),
  event(5, { kind: 'plan_proposed', approval_id: 'APR-7K2M9Q4XBT', message: 'roll back core' }),
  event(6, {
    kind: 'approval_decided',
    approval_id: 'APR-7K2M9Q4XBT',
    actor: { type: 'human', name: 'Ada' },
    message: 'approved by Ada',
    change: { human_response: { by: 'Ada', known_by: 'terminal' } },
  }),
  event(7, { kind: 'command_started', approval_id: 'APR-7K2M9Q4XBT', message: 'running helm rollback core 10' }),
  event(8, { kind: 'command_finished', approval_id: 'APR-7K2M9Q4XBT', message: 'executed' }),
  event(9, { kind: 'status_changed', actor: ASSISTANT, change: { status: 'mitigated' }, message: 'mitigated' }),
  change(10, { root_cause: 'Revision 12 lost its connection pool.' }),
  change(11, { action_item: ITEM }, { kind: 'action_item' }),
  event(12, { kind: 'status_changed', actor: ASSISTANT, change: { status: 'resolved' }, message: 'resolved' }),
];
const executed = (): Approval =>
  approval({
    status: 'executed',
    plan: plan({ target: 'core', from: 12, to: 10 }),
    decisions: [{ decision: 'approve', way: 'terminal', approver: 'Ada', note: null, at: min(6) }],
    outcome: {
      status: 'executed',
      summary: 'revision 13 is deployed',
      started_at: min(7),
      finished_at: min(8),
      details: {},
    },
  });

/** The body of one section, without the human block. */
function sectionOf(markdown: string, id: string): string {
  const title = SECTIONS.find(([known]) => known === id)?.[1] ?? id;
  const from = markdown.indexOf(`\n## ${title}\n`);
  const to = markdown.indexOf(`<!-- human:${id} -->`);
  expect(from).toBeGreaterThan(0);
  expect(to).toBeGreaterThan(from);
  return markdown.slice(from + title.length + 5, to);
}

describe('a finished record', () => {
  const done = render(finished(), { approvals: [executed()] });

  test('lacks nothing', () => {
    expect(done).toMatchObject({ missing: [], unverified: [] });
    expect(done.sections).toEqual(SECTION_IDS);
  });

  test('has the header, all sections in order, and a pair of marks in each', () => {
    expect(done.markdown).toMatch(/^# Post-mortem of INC-0007: Agents drop\n/);
    expect(done.markdown).toContain('Severity: first SEV3, peak SEV2, last SEV2 [E1] [E4]');
    const marks = [...done.markdown.matchAll(/<!-- human:(\w+) -->\n<!-- \/human:(\w+) -->/g)];
    expect(marks.map((m) => m[1])).toEqual(SECTION_IDS);
    expect(marks.map((m) => m[2])).toEqual(SECTION_IDS);
  });

  test('every line that the server writes names its events', () => {
    const prose = done.markdown
      .replace(/```mermaid[\s\S]*?```/g, '')
      .split('\n')
      .filter((line) => line !== '' && !/^(#|\||<!--)/.test(line));
    expect(prose.length).toBeGreaterThan(25);
    expect(prose.filter((line) => !/\[E\d+\]/.test(line))).toEqual([]);
  });

  test.each<[string, string]>([
    ['impact', 'Start of impact: 2026-03-02T11:50:00Z [E1]'],
    ['impact', 'Length of impact: 19m00s'],
    ['impact', '40 of 100 (40 %) [E2]'],
    ['impact', '300 of 500 [E2]'],
    [
      'lead_up',
      'core revision 12 (deployed) was deployed at 2026-03-02T11:46:00Z, 4m00s before the start of impact [E3]',
    ],
    ['detection', 'a Grafana alert (AgentsDown) [E1]'],
    ['response', 'Ada at 2026-03-02T12:06:00Z, known by terminal [E6]'],
    [
      'mitigation',
      'rollback_release core from 12 to 10, approved by Ada (terminal); executed: revision 13 is deployed',
    ],
    ['mitigation', '[E5] [E6] [E7] [E8]'],
    ['root_cause', 'Revision 12 lost its connection pool. [E10]'],
    ['metrics', '| time to mitigate | 19m00s |'],
    ['action_items', '| A1 | Alert on agent count | detect | nobody |'],
    ['people', '| Ada | first to respond | terminal | [E6] |'],
    ['gaps', 'did not answer: prometheus [E2]'],
  ])('%s says "%s"', (id, words) => {
    expect(sectionOf(done.markdown, id)).toContain(words);
  });

  test('lays no blame', () => {
    expect(done.markdown).not.toMatch(/human error|should have|fault|blame|careless|negligen|mistake/i);
  });
});

describe('missing', () => {
  const bare = [declared()];
  test('of a bare declaration', () => {
    expect(render(bare).missing).toEqual([
      'impact',
      'trigger',
      'detection',
      'mitigation',
      'root_cause',
      'action_items',
    ]);
  });

  test.each<[string, TimelineEvent[], Over, string[]]>([
    ['impact', [change(2, { impact_started_at: min(-3) })], {}, ['impact']],
    ['detection by its event', [event(2, { kind: 'detection' })], {}, ['detection']],
    ['mitigation by its event', [event(2, { kind: 'mitigation' })], {}, ['mitigation']],
    ['mitigation by an executed change', [], { approvals: [executed()] }, ['mitigation']],
    ['root cause, and with it the trigger', [change(2, { root_cause: 'pool' })], {}, ['trigger', 'root_cause']],
    [
      'a claim with evidence',
      [],
      { claims: [{ section: 'root_cause', text: 'pool', evidence: ['E1'] }] },
      ['trigger', 'root_cause'],
    ],
    [
      'a claim without evidence gives nothing',
      [],
      { claims: [{ section: 'root_cause', text: 'pool', evidence: [] }] },
      [],
    ],
    [
      'a claim does not give the start of impact',
      [],
      { claims: [{ section: 'impact', text: 'bad', evidence: ['E1'] }] },
      [],
    ],
    ['an action item', [change(2, { action_item: ITEM })], {}, ['action_items']],
    ['what a human wrote', [], { previous: '<!-- human:impact -->\nAt noon.\n<!-- /human:impact -->' }, ['impact']],
    ['a blank human block gives nothing', [], { previous: '<!-- human:impact -->\n \n<!-- /human:impact -->' }, []],
    ['a corrected event gives nothing', [event(2, { kind: 'mitigation' }), event(3, { supersedes: 'E2' })], {}, []],
    ['a false alarm needs nothing', [change(2, { status: 'false_alarm' })], {}, render(bare).missing],
  ])('%s', (_name, more, over, known) => {
    expect(render([...bare, ...more], over).missing).toEqual(render(bare).missing.filter((id) => !known.includes(id)));
  });
});

describe('claims', () => {
  const claim = (section: string, text: string, ...evidence: string[]) =>
    render(finished(), { claims: [{ section, text, evidence }] });

  test('with evidence stand in their section', () => {
    const out = claim('went_well', 'The rollback was quick.', 'E7', 'E8', 'E7');
    expect(sectionOf(out.markdown, 'went_well')).toContain('- The rollback was quick. [E7] [E8]\n');
    expect(out.unverified).toEqual([]);
  });

  test('without evidence are marked', () => {
    const out = claim('lucky', 'It was a quiet [E1] day.');
    expect(sectionOf(out.markdown, 'lucky')).toContain('- **UNVERIFIED** It was a quiet (E1) day.\n');
    expect(out.unverified).toEqual(['lucky: It was a quiet [E1] day.']);
    expect(sectionOf(out.markdown, 'gaps')).toContain('1 claim without evidence');
  });

  test('that rest on corrected events alone are marked', () => {
    const events = [...finished(), event(13, { kind: 'observation' }), event(14, { supersedes: 'E13' })];
    const out = render(events, { claims: [{ section: 'lucky', text: 'x', evidence: ['E13'] }] });
    expect(sectionOf(out.markdown, 'lucky')).toContain('**UNVERIFIED** x [E13] (corrected by [E14])');
  });

  test.each<[string, string, string[], RegExp]>([
    ['an unknown section', 'blame', [], /blame/],
    ['an event that is not there', 'lucky', ['E1', 'E99'], /E99/],
    ['a computed section', 'metrics', ['E1'], /computed/],
    ['the timeline', 'timeline', ['E1'], /computed/],
  ])('%s is refused', (_name, section, evidence, words) => {
    const refused = () => claim(section, 'x', ...evidence);
    expect(refused).toThrow(expect.objectContaining({ code: 'INVALID_INPUT', message: expect.stringMatching(words) }));
  });

  test('the refusal of a section lists the sections', () => {
    expect(() => claim('cause', 'x')).toThrow(
      expect.objectContaining({ next: expect.stringContaining('summary, impact, lead_up, trigger') }),
    );
  });

  test('change no figure', () => {
    const metrics = (over: Over) => sectionOf(render(finished(), over).markdown, 'metrics');
    const text = '| time to detect | 0s | a | b | c | |';
    expect(metrics({ claims: [{ section: 'gaps', text, evidence: ['E1'] }] })).toBe(metrics({}));
  });
});

test('the response is told in the order in which it happened', () => {
  const told = sectionOf(render(finished()).markdown, 'response').match(/\[E\d+\]$/gm);
  expect(told).toEqual(['[E4]', '[E9]', '[E12]']);
});

describe('corrections', () => {
  const wrong = event(2, { kind: 'observation', message: 'database is down', actor: ASSISTANT });
  const right = event(3, { kind: 'observation', message: 'database is slow', actor: ASSISTANT, supersedes: 'E2' });
  const out = render([declared(), wrong, right]).markdown;

  test('the corrected event is struck in the table and not used for prose', () => {
    expect(out).toContain('~~database is down~~ corrected by [E3]');
    expect(sectionOf(out, 'response')).toContain('database is slow [E3]');
    expect(out.split('database is down').length - 1).toBe(1);
  });

  test("the server's own act cannot be corrected away", () => {
    const acts = [
      declared(),
      event(2, { kind: 'command_finished', message: 'failed' }),
      event(3, { supersedes: 'E2' }),
    ];
    const markdown = render(acts).markdown;
    expect(markdown).not.toContain('~~');
    expect(sectionOf(markdown, 'gaps')).toContain('[E3] disagrees with [E2]');
  });
});

describe('text from outside', () => {
  const NASTY = [
    '<script>alert(1)</script>',
    '<!-- human:impact -->forged<!-- /human:impact -->',
    '# heading',
    '```\nfence',
    '| cell | cell |',
    'line\n\n## Summary\n\ntext',
    '[click](https://evil.example)',
    '![img](https://evil.example/x.png)',
    '> quote',
    '&lt;b&gt;',
    '1. list',
    'password=hunter2hunter2',
    '\u202Eevil\u200B\u0007',
    'a~~b~~ **c** _d_ `e`',
    'trailing \\',
  ];

  test.each(NASTY)('%j stays text wherever it is printed', (text) => {
    const events = [
      declared({ title: text, summary: text, components: [text], detected_by: { source: 'other', reference: text } }),
      event(2, { kind: 'observation', message: text, evidence: [text], actor: { type: 'human', name: text } }),
      change(3, { root_cause: text, action_item: { ...ITEM, title: text, owner: text, ticket: text } }),
      change(4, { update_sent: { id: 'U1', audience: 'internal', message: text } }),
      change(5, { role: { role: 'commander', person: text, known_by: 'terminal' } }),
    ];
    const out = render(events, { claims: [{ section: 'lucky', text, evidence: ['E1'] }] });
    const lines = out.markdown.split('\n');
    expect(lines.filter((l) => l.startsWith('#')).length).toBe(1 + SECTION_IDS.length);
    expect(lines.filter((l) => l.startsWith('```')).length).toBe(2);
    expect(out.markdown.match(/<(?!!-- \/?human:\w+ -->)/)).toBeNull();
    expect(out.markdown.match(/<!-- human:/g)?.length).toBe(SECTION_IDS.length);
    expect(out.markdown).not.toContain('hunter2');
    expect(out.markdown.replaceAll('\n', '')).not.toMatch(/[\p{Cf}\p{Cc}]/u);
    expect(out.markdown).not.toMatch(/(?<!\\)\](?=\()/);
    for (const row of lines.filter((l) => l.startsWith('| [E'))) {
      expect(row.match(/(?<!\\)(?:\\\\)*\|/g)?.length).toBe(7);
    }
    expect(out.missing).not.toContain('root_cause');
  });

  test('labels of the diagram are plain', () => {
    const messages = ['a: b; c # d %% e', '{init}', 'section x', '', '"q" <b> `x`', '日本語: é'];
    const events = [declared(), ...messages.map((message, i) => event(i + 2, { kind: 'decision', message }))];
    const diagram = /```mermaid\n([\s\S]*?)\n```/.exec(render(events).markdown)?.[1]?.split('\n') ?? [];
    expect(diagram.slice(0, 3)).toEqual(['timeline', '    title INC-0007 in UTC', '    section 2026-03-02']);
    expect(diagram.length).toBe(3 + events.length);
    for (const line of diagram.slice(3)) expect(line).toMatch(/^ {8}\d\d\.\d\d : E\d+ [\p{L}\p{N} .,()/+'%_-]+$/u);
    expect(diagram.join('\n')).not.toContain('%%');
  });

  test('any text gives one document with the same frame', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
        const { markdown } = render([declared({ title: text }), event(2, { kind: 'decision', message: text })]);
        expect(markdown.match(/^## /gm)?.length).toBe(SECTION_IDS.length);
        expect(markdown.match(/<(?!!-- \/?human:\w+ -->)/)).toBeNull();
        expect(markdown.match(/^\| \[E/gm)?.length).toBe(2);
      }),
    );
  });
});

describe('what humans wrote', () => {
  const put = (markdown: string, id: string, text: string): string =>
    markdown.replace(`<!-- human:${id} -->\n`, () => `<!-- human:${id} -->${text}`);

  test('stays byte for byte, however often it is written again', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...SECTION_IDS),
        fc.string({ unit: 'grapheme', minLength: 1, maxLength: 80 }).filter((t) => t.trim() !== ''),
        (id, text) => {
          const first = put(render(finished()).markdown, id, text);
          const second = render(finished(), { previous: first }).markdown;
          expect(second).toContain(`<!-- human:${id} -->${text}<!-- /human:${id} -->`);
          expect(render(finished(), { previous: second }).markdown).toBe(second);
        },
      ),
      { numRuns: 40 },
    );
  });

  test('own headings, HTML and dollar signs are theirs', () => {
    const text = '\r\n## Mine\n<b>$& $1</b>\n| a |\n';
    const previous = put(render(finished()).markdown, 'trigger', text);
    expect(render(finished(), { previous }).markdown).toBe(previous);
  });

  test('is kept without its closing mark, under a section that is no more, and twice', () => {
    const previous = [
      '<!-- human:lucky -->\nquiet day\n\n## Open questions',
      '<!-- human:old_one -->\nkeep me\n<!-- /human:old_one -->',
      '<!-- human:trigger -->\none\n<!-- /human:trigger -->',
      '<!-- human:trigger -->\ntwo\n<!-- /human:trigger -->',
    ].join('\n');
    const { markdown } = render(finished(), { previous });
    expect(markdown).toContain('<!-- human:lucky -->\nquiet day\n\n<!-- /human:lucky -->');
    expect(markdown).toContain('## Further notes\n\n<!-- human:old_one -->\nkeep me\n<!-- /human:old_one -->');
    expect(markdown).toContain('<!-- human:trigger -->\none\n\n\ntwo\n<!-- /human:trigger -->');
    expect(render(finished(), { previous: markdown }).markdown).toBe(markdown);
  });
});

describe('gaps', () => {
  const gapsOf = (events: TimelineEvent[], over: Over = {}) => sectionOf(render(events, over).markdown, 'gaps');

  test.each<[string, TimelineEvent[], Over, string]>([
    ['unknown start', [declared()], {}, 'The start of impact is unknown [E1]'],
    [
      'a quiet phase',
      [declared(), event(20), event(21)],
      {},
      'No event for 20m00s, from 2026-03-02T12:00:00Z to 2026-03-02T12:20:00Z [E1] [E20]',
    ],
    ['quiet until now', [declared()], {}, 'No event for 1h30m'],
    [
      'a command without outcome',
      [declared(), event(2, { kind: 'command_started', approval_id: 'APR-A' })],
      {},
      'APR-A was started and has no outcome on record [E2]',
    ],
    [
      'a plan nobody decided',
      [declared(), event(2, { kind: 'plan_proposed', approval_id: 'APR-A' })],
      {},
      'APR-A was planned; no decision',
    ],
    [
      'an unknown outcome',
      [declared()],
      { approvals: [approval({ status: 'outcome_unknown' })] },
      'whether it took effect is unknown',
    ],
    ['an impossible order', [declared({ detected_at: min(5) })], {}, 'time to declare: impossible order'],
    ['evidence that is not there', [declared(), event(2, { evidence: ['E77'] })], {}, '[E2] names E77 as evidence'],
    ['events that are not there', [declared(), event(5)], {}, '3 events of the record could not be read'],
    [
      'some deploys unknown',
      [declared(), event(2, { kind: 'health_snapshot', data: { deploys: [], unknown: [{ release: 'core' }] } })],
      {},
      'did not answer: some recent deploys [E2]',
    ],
    [
      'deploys unknown',
      [declared(), event(2, { kind: 'health_snapshot', data: { deploys: null } })],
      {},
      'did not answer: recent deploys [E2]',
    ],
  ])('%s', (_name, events, over, words) => {
    expect(gapsOf(events, over)).toContain(words);
  });

  test('exactly 15 minutes, and quiet after the resolution, are none', () => {
    const events = [declared(), event(15), event(16, { change: { status: 'resolved' } })];
    expect(gapsOf(events)).not.toContain('No event for');
  });

  test('an assistant cannot report a source down', () => {
    const forged = event(2, { kind: 'health_snapshot', actor: ASSISTANT, data: { sources_down: ['helm'] } });
    expect(gapsOf([declared(), forged])).not.toContain('helm');
  });
});

describe('long records', () => {
  const long = (n: number, kind: TimelineEvent['kind'] = 'observation'): TimelineEvent[] => [
    declared(),
    ...Array.from({ length: n - 1 }, (_, i) =>
      event(i + 2, {
        kind: i % 1000 === 500 ? 'decision' : kind,
        message: `event ${i + 2} with password=hunter2hunter2 | and <b>`.repeat(3),
        occurred_at: new Date(Date.parse(min(0)) + i * 1000).toISOString(),
        ...(i % 100 === 7 && i > 7 ? { supersedes: `E${i - 3}` } : {}),
      }),
    ),
  ];
  const rows = (markdown: string): string[] => markdown.match(/^\| \[E\d+\]/gm) ?? [];

  test('10,000 events: under a second, 80 rows, all weighty ones among them', () => {
    const events = long(10_000);
    const incident = fold(events) as Incident;
    const metrics = metricsOf(incident, events);
    const input = { incident, events, metrics, approvals: [], claims: [], similar: [], previous: null, now: at(90) };
    const since = performance.now();
    const { markdown } = renderPostmortem(input);
    expect(performance.now() - since).toBeLessThan(1_000);
    expect(markdown).toContain('80 of 10,000 events; the whole timeline is incident://INC-0007/timeline');
    expect(rows(markdown).length).toBe(80);
    for (let i = 500; i < 9_999; i += 1000) expect(rows(markdown)).toContain(`| [E${i + 2}]`);
    expect(markdown.match(/^ {8}\d\d\.\d\d : /gm)?.length).toBe(25);
    expect(markdown.length).toBeLessThan(80_000);
  });

  test.each([1, 2, 7, 80, 200])('max_rows %i holds, also when all are weighty, and keeps both ends', (max_rows) => {
    const found = rows(render(long(150, 'decision'), { max_rows }).markdown);
    expect(found.length).toBe(Math.min(max_rows, 150));
    if (max_rows >= 2) expect([found[0], found.at(-1)]).toEqual(['| [E1]', '| [E150]']);
  });

  test('events that claims cite are always shown', () => {
    const claims = [{ section: 'lucky', text: 'x', evidence: ['E1234'] }];
    expect(rows(render(long(2_000), { claims, max_rows: 5 }).markdown)).toContain('| [E1234]');
  });
});

test('similar incidents are named with what they share', () => {
  const other = { ...(fold([declared()]) as Incident), id: 'INC-0003', root_cause: 'pool' };
  const { markdown } = render(finished(), { similar: [other] });
  expect(sectionOf(markdown, 'seen_before')).toMatch(
    /INC-0003.*root cause: pool.*same components: agent.*incident:\/\/INC-0003/,
  );
});

test('the same record gives the same document, in whatever order the events come', () => {
  const events = finished();
  const one = render(events, { approvals: [executed()] });
  const incident = fold(events) as Incident;
  const two = renderPostmortem({
    incident,
    events: [...events].reverse(),
    metrics: metricsOf(incident, events),
    approvals: [executed()],
    claims: [],
    similar: [],
    previous: null,
    now: at(90),
  });
  expect(two.markdown).toBe(one.markdown);
});
