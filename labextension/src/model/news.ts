/** What the server's events mean, and which of them are worth a notification. */

import { RunView } from '../api';
import { RunStatus } from '../wire';
import { title } from './runs.js';

export const SCHEMA = 'https://schema.jupyter.org/jupyter_flows/run/v1';

/** An event says only that something happened: whoever hears it asks the server what. */
export interface RunEvent {
  run: string;
  status: RunStatus | null;
}

/** The event of a run in what came over the stream; null: it is something else's. */
export function runEvent(said: Readonly<Record<string, unknown>>): RunEvent | null {
  const run = said['run'];
  if (said['schema_id'] !== SCHEMA || typeof run !== 'string') return null;
  const status = said['status'];
  return { run, status: typeof status === 'string' ? (status as RunStatus) : null };
}

export interface News {
  /** Names what has happened, so that it is told once. */
  tag: string;
  title: string;
  body: string;
}

/** What to tell the owner of a run that has stopped going by itself; null is nothing. */
export function newsOf(run: RunView): News | null {
  if (!run.mine) return null;
  const tag = `${run.id}:${run.status}`;
  switch (run.status) {
    case 'suspended': {
      const open = run.gates.find(gate => gate.status === 'open');
      const step = run.steps.find(each => each.id === open?.step);
      const body = step?.summary ? step.summary : 'The run goes on when it is approved.';
      return open ? { tag: open.id, title: `${title(run)} waits for approval`, body } : null;
    }
    case 'succeeded':
      return { tag, title: `${title(run)} has succeeded`, body: 'Every step is done.' };
    case 'failed':
      return {
        tag: `${tag}:${run.finished_at ?? ''}`,
        title: `${title(run)} has failed`,
        body: run.error?.message ?? 'See the run for what went wrong.'
      };
    case 'interrupted':
      return { tag, title: `${title(run)} was interrupted`, body: 'Resume it from the Flows panel.' };
    default:
      return null;
  }
}

/** What tabs have told and when, of the text they keep; of another text, nothing. */
export function marksIn(kept: string | null): [tag: string, at: number][] {
  let read: unknown;
  try {
    read = JSON.parse(kept ?? '{}');
  } catch {
    return [];
  }
  if (typeof read !== 'object' || read === null) return [];
  return Object.entries(read).filter((mark): mark is [string, number] => typeof mark[1] === 'number');
}
