/** The list of runs, newest first. */

import React from 'react';

import { RunSummary } from '../api';
import { fileName, isOver, runWord, title } from '../model/runs';
import { between, duration } from '../model/times';
import { Badge, Button, Empty, Time } from './parts';

export interface RunsProps {
  runs: readonly RunSummary[] | null;
  more: boolean;
  /** Why the list may be empty. */
  empty: string;
  /** Whether the notebooks differ, and must be named. */
  named: boolean;
  now: number;
  onOpen: (run: string) => void;
  onMore: () => void;
}

export function Runs(props: RunsProps): React.JSX.Element {
  const { runs } = props;
  if (runs === null) return <Empty>Loading…</Empty>;
  if (!runs.length) return <Empty>{props.empty}</Empty>;
  return (
    <>
      <ul className="jfp-List" aria-label="Runs, newest first">
        {runs.map(run => (
          <li key={run.id}>
            <RunItem run={run} {...props} />
          </li>
        ))}
      </ul>
      {props.more && <Button onPress={props.onMore}>Show older runs</Button>}
    </>
  );
}

function RunItem(props: RunsProps & { run: RunSummary }): React.JSX.Element {
  const { run, now } = props;
  return (
    <button
      type="button"
      className="jfp-Item"
      title={run.id}
      onClick={() => {
        props.onOpen(run.id);
      }}
    >
      <span className="jfp-Line">
        <Badge word={runWord(run.status)} />
        <Time at={run.created_at} now={now} />
      </span>
      {props.named && (
        <span className="jfp-Name" title={run.path}>
          {title(run)}
          {run.name !== null && run.path && <small> {fileName(run.path)}</small>}
        </span>
      )}
      <span className="jfp-Small">
        {run.owner}
        {' · '}
        {tookOf(run, now)}
        {run.schedule !== null && ' · scheduled'}
      </span>
    </button>
  );
}

function tookOf(run: RunSummary, now: number): string {
  const took = duration(between(run.created_at, run.finished_at, now) ?? 0);
  if (run.finished_at !== null) return `took ${took}`;
  return isOver(run.status) ? took : `for ${took}`;
}
