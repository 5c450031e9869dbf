/** The gates of a run: what they ask for, and who has voted. */

import React from 'react';

import { GateView, RunView } from '../api';
import { asksFor, counted, gateWord, surety, voter } from '../model/runs';
import { labelOf } from '../model/timeline';
import { fullTime, remaining } from '../model/times';
import { Vote } from '../wire';
import { Badge, Button, Time } from './parts';

export interface GatesProps {
  run: RunView;
  now: number;
  onReview: (gate: string) => void;
  onCopy: (url: string, field: HTMLInputElement | null) => void;
}

export function Gates(props: GatesProps): React.JSX.Element {
  return (
    <ul className="jfp-List">
      {props.run.gates.map(gate => (
        <li key={gate.id} className="jfp-Card">
          <GateItem gate={gate} {...props} />
        </li>
      ))}
    </ul>
  );
}

function GateItem(props: GatesProps & { gate: GateView }): React.JSX.Element {
  const { gate, run, now } = props;
  const step = run.steps.find(each => each.id === gate.step);
  const name = step ? labelOf(step) : gate.step;
  const asked = gate.status === 'open' ? asksFor(gate) : null;
  return (
    <>
      <div className="jfp-Line">
        <span className="jfp-Name">{name}</span>
        <Badge word={gateWord(gate)} />
      </div>
      {gate.status !== 'open' && gate.required_events > 1 && (
        <div className="jfp-Small">{counted(gate)} approved</div>
      )}
      {asked !== null && <div className="jfp-Small">{asked}</div>}
      {gate.status === 'open' && gate.deadline !== null && (
        <div className="jfp-Small" title={`Answers are taken until ${fullTime(gate.deadline)}`}>
          {remaining(gate.deadline, now)}
        </div>
      )}
      {gate.votes.length > 0 && (
        <ul className="jfp-Votes" aria-label={`Votes on ${name}`}>
          {gate.votes.map((vote, place) => (
            <li key={place}>
              <VoteLine vote={vote} now={now} />
            </li>
          ))}
        </ul>
      )}
      {gate.status === 'open' && (
        <div className="jfp-Buttons">
          <Button
            label={`Open the page of ${name} in a new tab`}
            onPress={() => {
              props.onReview(gate.id);
            }}
          >
            {gate.may_vote ? 'Review' : 'Open its page'}
          </Button>
          <CopyLink gate={gate} name={name} onCopy={props.onCopy} />
        </div>
      )}
    </>
  );
}

/** For the run's owner: whoever gets the link can answer by it. */
function CopyLink(props: {
  gate: GateView;
  name: string;
  onCopy: GatesProps['onCopy'];
}): React.JSX.Element | null {
  const { links } = props.gate;
  if (links === null) return null;
  return (
    <Button
      label={`Copy the link to the page of ${props.name}`}
      title="Whoever has this link can answer, without an account"
      onPress={() => {
        props.onCopy(links.approvalPage, null);
      }}
    >
      Copy link
    </Button>
  );
}

function VoteLine({ vote, now }: { vote: Vote; now: number }): React.JSX.Element {
  return (
    <>
      <span className={vote.approved ? 'jfp-good' : 'jfp-bad'}>
        {vote.approved ? 'Approved' : 'Rejected'}
      </span>
      {' by '}
      <strong>{voter(vote)}</strong> <span className="jfp-Small">({surety(vote)})</span>{' '}
      <Time at={vote.at} now={now} />
      {vote.reason && <q>{vote.reason}</q>}
    </>
  );
}
