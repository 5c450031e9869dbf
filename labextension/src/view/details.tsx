/** The chosen run: its state, what may be done with it, steps, gates, links and audit trail. */

import React from 'react';

import { LinkView, RunView } from '../api';
import { fileName, isOver, mayCancel, mayResume, runWord, title } from '../model/runs';
import { timeline } from '../model/timeline';
import { between, duration, fullTime, remaining } from '../model/times';
import { Details } from '../panel/store';
import { Gates } from './gates';
import { Links } from './links';
import { Badge, Button, Section, Time } from './parts';
import { TimelineView } from './timeline';
import { Trail } from './trail';
import { Variables } from './variables';

export interface Deeds {
  openNotebook: (path: string) => void;
  openCell: (path: string, cell: string) => void;
  saveExecuted: (run: RunView) => void;
  cancel: (run: RunView) => void;
  resume: (run: RunView) => void;
  review: (gate: string) => void;
  mint: (run: string, gate: string | null, approver: string) => void;
  copy: (url: string, field: HTMLInputElement | null) => void;
  revoke: (link: LinkView) => void;
  showAudit: (run: string, shown: boolean) => void;
}

export interface DetailsProps {
  details: Details;
  now: number;
  deeds: Deeds;
}

export function DetailsView(props: DetailsProps): React.JSX.Element {
  const { details, now, deeds } = props;
  const { run } = details;
  const steps = timeline(run, now);
  const onCell = run.path
    ? (cell: string): void => {
        deeds.openCell(run.path, cell);
      }
    : null;
  return (
    <>
      <Head {...props} />
      <Section title="Steps">
        <TimelineView timeline={steps} onCell={onCell} />
      </Section>
      <Variables run={run} now={now} onCell={onCell} />
      {run.gates.length > 0 && (
        <Section title="Gates">
          <Gates run={run} now={now} onReview={deeds.review} onCopy={deeds.copy} />
        </Section>
      )}
      {details.links && (
        <Section title="Links">
          <Links
            run={run}
            links={details.links}
            minted={details.minted}
            now={now}
            onMint={(gate, approver) => {
              deeds.mint(run.id, gate, approver);
            }}
            onCopy={deeds.copy}
            onRevoke={deeds.revoke}
          />
        </Section>
      )}
      <Trail
        audit={details.audit}
        now={now}
        onShow={shown => {
          deeds.showAudit(run.id, shown);
        }}
      />
    </>
  );
}

function Head({ details, now, deeds }: DetailsProps): React.JSX.Element {
  const { run } = details;
  return (
    <header className="jfp-Head">
      <h2 title={run.path}>{title(run)}</h2>
      <div className="jfp-Line">
        <Badge word={runWord(run.status)} />
        <Time at={run.created_at} now={now} />
      </div>
      <div className="jfp-Small" title={run.id}>
        {run.path && `${fileName(run.path)} · `}
        {run.owner} · {tookOf(run, now)}
      </div>
      <Clocks run={run} now={now} />
      {run.error && (
        <p className="jfp-Error">
          {run.error.name}: {run.error.message}
        </p>
      )}
      <div className="jfp-Buttons">
        {run.path && (
          <Button
            onPress={() => {
              deeds.openNotebook(run.path);
            }}
          >
            Open notebook
          </Button>
        )}
        <Button
          title="The notebook as the run has executed it so far"
          onPress={() => {
            deeds.saveExecuted(run);
          }}
        >
          Download executed notebook
        </Button>
        {mayResume(run) && (
          <Button
            title="Go on from the step that did not finish"
            onPress={() => {
              deeds.resume(run);
            }}
          >
            Resume
          </Button>
        )}
        {mayCancel(run) && (
          <Button
            danger
            onPress={() => {
              deeds.cancel(run);
            }}
          >
            Cancel run…
          </Button>
        )}
      </div>
    </header>
  );
}

function Clocks({ run, now }: { run: RunView; now: number }): React.JSX.Element | null {
  if (isOver(run.status)) return null;
  return (
    <>
      {run.status === 'sleeping' && run.wake_at && (
        <div className="jfp-Small" title={fullTime(run.wake_at)}>
          Goes on: {remaining(run.wake_at, now)}
        </div>
      )}
      {run.deadline && (
        <div className="jfp-Small" title={fullTime(run.deadline)}>
          Time limit: {remaining(run.deadline, now)}
        </div>
      )}
    </>
  );
}

function tookOf(run: RunView, now: number): string {
  const took = between(run.started_at, run.finished_at, now);
  if (took === null) return 'not started';
  return `${run.finished_at === null ? 'for' : 'took'} ${duration(took)}`;
}
