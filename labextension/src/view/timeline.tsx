/** The steps of a run as bars, with the waits for people marked apart. */

import React from 'react';

import { stepWord } from '../model/runs';
import { Row, Timeline, Wait } from '../model/timeline';
import { duration, fullTime } from '../model/times';
import { farWords } from '../words';

export function TimelineView(props: {
  timeline: Timeline;
  onCell: ((cell: string) => void) | null;
}): React.JSX.Element {
  const { timeline } = props;
  return (
    <>
      <p className="jfp-Small">
        {duration(timeline.work)} of work
        {timeline.waited > 0 && `, ${duration(timeline.waited)} of waiting for people`}
      </p>
      <ol className="jfp-Timeline">
        {timeline.rows.map(row => (
          <li key={row.step.id}>
            <StepRow row={row} onCell={props.onCell} />
            {row.waits.map(wait => (
              <WaitRow key={wait.gate} wait={wait} />
            ))}
          </li>
        ))}
      </ol>
    </>
  );
}

function StepRow(props: {
  row: Row;
  onCell: ((cell: string) => void) | null;
}): React.JSX.Element {
  const { row, onCell } = props;
  const word = stepWord(row.step.status);
  return (
    <>
      <div className="jfp-Line">
        {onCell ? (
          <button
            type="button"
            className="jfp-Link"
            title="Go to the cell"
            onClick={() => {
              onCell(row.step.cell);
            }}
          >
            {row.label}
          </button>
        ) : (
          <span className="jfp-Label">{row.label}</span>
        )}
        <span className={`jfp-Took jfp-${word.tone}`} title={whenOf(row)}>
          {row.step.status === 'succeeded' ? '' : `${word.text} `}
          {row.ms !== null && row.step.status !== 'pending' && duration(row.ms)}
          {row.step.attempts > 1 && ` · try ${row.step.attempts}`}
          {row.step.progress && ` · ${farWords(row.step.progress)}`}
        </span>
      </div>
      <div className="jfp-Track" aria-hidden="true">
        {row.ms !== null && (
          <div
            className={`jfp-Bar jfp-${word.tone}`}
            style={{ left: percent(row.start), width: percent(row.width) }}
          />
        )}
      </div>
      {row.step.error && (
        <p className="jfp-Error">
          {row.step.error.name}: {row.step.error.message}
        </p>
      )}
    </>
  );
}

function WaitRow({ wait }: { wait: Wait }): React.JSX.Element {
  return (
    <div className="jfp-Wait">
      <div className="jfp-Line">
        <span className="jfp-Label">
          {wait.open ? 'Waiting for approval' : 'Waited for approval'}
        </span>
        <span className="jfp-Took">{duration(wait.ms)}</span>
      </div>
      <div className="jfp-Track" aria-hidden="true">
        <div className="jfp-Bar jfp-waitBar" style={{ width: percent(wait.share) }} />
      </div>
    </div>
  );
}

function whenOf({ step }: Row): string | undefined {
  if (step.started_at === null) return undefined;
  const began = `Started ${fullTime(step.started_at)}`;
  return step.finished_at === null ? began : `${began}\nFinished ${fullTime(step.finished_at)}`;
}

function percent(part: number): string {
  return `${(part * 100).toFixed(2)}%`;
}
