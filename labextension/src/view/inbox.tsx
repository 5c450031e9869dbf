/** The gates that wait for the reader's vote, oldest first. */

import React from 'react';

import { GateSummary } from '../api';
import { fileName, title } from '../model/runs';
import { remaining, fullTime } from '../model/times';
import { Button, Empty, Time } from './parts';

export interface InboxProps {
  gates: readonly GateSummary[] | null;
  now: number;
  onReview: (gate: GateSummary) => void;
  onCell: (gate: GateSummary) => void;
  onRun: (run: string) => void;
}

export function Inbox(props: InboxProps): React.JSX.Element {
  const { gates } = props;
  if (gates === null) return <Empty>Loading…</Empty>;
  if (!gates.length) return <Empty>Nothing waits for you.</Empty>;
  return (
    <ul className="jfp-List" aria-label="Gates that wait for you, oldest first">
      {gates.map(gate => (
        <li key={gate.id} className="jfp-Card">
          <GateItem gate={gate} {...props} />
        </li>
      ))}
    </ul>
  );
}

function GateItem(props: InboxProps & { gate: GateSummary }): React.JSX.Element {
  const { gate, now } = props;
  const name = gate.summary || gate.step;
  return (
    <>
      <div className="jfp-Name">{name}</div>
      <div className="jfp-Small" title={gate.path}>
        {title(gate)}
        {gate.name !== null && gate.path && ` · ${fileName(gate.path)}`}
        {` · ${gate.owner}`}
      </div>
      <div className="jfp-Small">
        since <Time at={gate.opened_at} now={now} />
        {gate.required_events > 1 && ` · ${gate.approvals} of ${gate.required_events} approved`}
        {' · '}
        <span title={`Answers are taken until ${fullTime(gate.deadline)}`}>
          {remaining(gate.deadline, now)}
        </span>
      </div>
      <div className="jfp-Buttons">
        <Button
          label={`Review ${name} on its page, in a new tab`}
          onPress={() => {
            props.onReview(gate);
          }}
        >
          Review
        </Button>
        {gate.path && (
          <Button
            label={`Go to the cell of ${name}`}
            onPress={() => {
              props.onCell(gate);
            }}
          >
            Go to cell
          </Button>
        )}
        <Button
          label={`Details of the run of ${name}`}
          onPress={() => {
            props.onRun(gate.run);
          }}
        >
          Details
        </Button>
      </div>
    </>
  );
}
