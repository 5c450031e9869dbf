/** A run's state and its cells' states in words, from what the server says of them. */

import { keptDetail } from './model/kept.js';
import { DocumentRun, Gate, Progress, RunStatus, Step, Vote } from './wire';

/** How a state looks: what it asks of the reader. */
export type Tone = 'quiet' | 'busy' | 'waiting' | 'good' | 'bad';

export interface State {
  /** Few words, to be seen. */
  text: string;
  /** All there is to say, for a tooltip; "" is nothing more. */
  detail: string;
  tone: Tone;
  /** Whether it is what one expects of any cell, so that a sign is enough. */
  isUsual?: boolean;
}

const AT_WORK: ReadonlySet<RunStatus> = new Set(['queued', 'running', 'suspended', 'sleeping']);

/** Whether the run can still change by itself, and be cancelled. */
export function atWork(run: DocumentRun): boolean {
  return AT_WORK.has(run.status);
}

/** Whether nothing of the run comes any more, unless somebody resumes it. */
export function hasEnded(run: DocumentRun | null): boolean {
  return run !== null && !atWork(run) && run.status !== 'interrupted';
}

/** Each cell's state, by the cell's id. Cells that a run has nothing to say of are not in it. */
export function cellStates(run: DocumentRun): Map<string, State> {
  const states = new Map<string, State>();
  for (const step of run.steps) {
    const state = cellState(run, step);
    if (state) states.set(step.cell, state);
  }
  return states;
}

function cellState(run: DocumentRun, step: Step): State | null {
  const gate = newest(run, step.id);
  const ofGate = gate && gateState(gate);
  if (ofGate && step.status === 'succeeded') return ofGate;
  return stepState(run, step);
}

export function newest(run: DocumentRun, step: string): Gate | null {
  const gates = run.gates.filter(gate => gate.step === step);
  return gates.reduce<Gate | null>(
    (best, gate) => (best && best.generation > gate.generation ? best : gate),
    null
  );
}

function stepState(run: DocumentRun, step: Step): State | null {
  const tries = step.attempts > 1 ? `, try ${step.attempts}` : '';
  switch (step.status) {
    case 'pending':
      return atWork(run) ? pendingState(run, step) : null;
    case 'running':
      return atWork(run)
        ? runningState(step, tries)
        : { text: 'Interrupted', detail: 'The run stopped in this cell', tone: 'bad' };
    case 'succeeded':
      return {
        text: step.attempts > 1 ? `Done after ${step.attempts} tries` : 'Done',
        detail: sentences(at('Finished', step.finished_at), step.notice),
        tone: 'quiet',
        isUsual: !tries
      };
    case 'failed':
      return {
        text: step.attempts > 1 ? `Failed after ${step.attempts} tries` : 'Failed',
        detail: sentences(errorWords(step), step.notice),
        tone: 'bad'
      };
    case 'skipped':
      return { text: 'Skipped', detail: step.notice ?? '', tone: 'quiet' };
    case 'cancelled':
      return { text: 'Cancelled', detail: step.notice ?? '', tone: 'quiet' };
  }
}

function runningState(step: Step, tries: string): State {
  const { progress } = step;
  const far = progress ? `, ${farWords(progress)}` : '';
  return {
    text: `Running${tries}${far}`,
    detail: since(step.started_at),
    tone: 'busy',
    isUsual: !tries && !far
  };
}

export function farWords({ percent, message }: Progress): string {
  return message ? `${percent} %: ${message}` : `${percent} %`;
}

function pendingState(run: DocumentRun, step: Step): State {
  if (step.attempts === 0) return { text: 'Queued', detail: '', tone: 'quiet', isUsual: true };
  const detail = sentences(errorWords(step), at('Next try', run.wake_at));
  return { text: `Try ${step.attempts + 1} follows`, detail, tone: 'busy' };
}

function gateState(gate: Gate): State | null {
  switch (gate.status) {
    case 'open':
      return { text: waitingWords(gate), detail: waitingDetail(gate), tone: 'waiting' };
    case 'approved':
      return { text: `Approved by ${voters(gate, true)}`, detail: votes(gate), tone: 'good' };
    case 'rejected':
      return { text: `Rejected by ${voters(gate, false)}`, detail: votes(gate), tone: 'bad' };
    case 'timed_out':
      return { text: 'No answer in time', detail: at('Time was up', gate.deadline), tone: 'bad' };
    case 'superseded':
      return null;
  }
}

function approvals(gate: Gate): number {
  return gate.votes.filter(vote => vote.approved).length;
}

export function waitingWords(gate: Gate): string {
  return gate.required_events > 1
    ? `Waiting: ${approvals(gate)} of ${gate.required_events} approved`
    : 'Waiting for approval';
}

function waitingDetail(gate: Gate): string {
  return sentences(votes(gate), at('Answers are taken until', gate.deadline));
}

function voters(gate: Gate, approved: boolean): string {
  const names = gate.votes.filter(vote => vote.approved === approved).map(voter);
  return [...new Set(names)].join(', ') || 'nobody';
}

function voter(vote: Vote): string {
  const name = vote.approver ?? vote.claimed;
  return name === null ? 'someone with the link' : vote.verified ? name : `${name} (not verified)`;
}

function votes(gate: Gate): string {
  return sentences(
    ...gate.votes.map(vote => {
      const did = `${vote.approved ? 'Approved' : 'Rejected'} by ${voter(vote)}`;
      return at(did, vote.at) + (vote.reason ? `: ${vote.reason}` : '');
    })
  );
}

function errorWords(step: Step): string | null {
  return step.error && `${step.error.name}: ${step.error.message}`;
}

const PLAIN: Record<RunStatus, [string, Tone]> = {
  queued: ['Queued', 'quiet'],
  running: ['Running', 'busy'],
  suspended: ['Waiting for approval', 'waiting'],
  sleeping: ['Sleeping', 'quiet'],
  interrupted: ['Interrupted', 'bad'],
  succeeded: ['Succeeded', 'good'],
  failed: ['Failed', 'bad'],
  cancelled: ['Cancelled', 'quiet']
};

/** The run's state. */
export function runState(run: DocumentRun): State {
  const [text, tone] = PLAIN[run.status];
  return { text: more(run) ?? text, detail: runDetail(run), tone };
}

/** Only its status, to be said when that changes. */
export function statusWords(run: DocumentRun): string {
  return `Flow: ${PLAIN[run.status][0]}`;
}

function more(run: DocumentRun): string | null {
  switch (run.status) {
    case 'running': {
      const place = run.steps.findIndex(step => step.status === 'running');
      return place < 0 ? null : `Running step ${place + 1} of ${run.steps.length}`;
    }
    case 'suspended': {
      const open = run.gates.find(gate => gate.status === 'open');
      return open ? waitingWords(open) : null;
    }
    case 'sleeping':
      return run.wake_at && at('Sleeping until', run.wake_at);
    default:
      return null;
  }
}

function runDetail(run: DocumentRun): string {
  const error = run.error && `${run.error.name}: ${run.error.message}`;
  return sentences(error, at('Finished', run.finished_at), keptDetail(run));
}

/** The cell that the reader would look for: where it waits, works or went wrong. */
export function placeOf(run: DocumentRun): string | null {
  const open = run.gates.find(gate => gate.status === 'open');
  const step = run.steps.find(each => each.status === 'running' || each.status === 'failed');
  return (open ? cellOf(run, open.step) : step?.cell) ?? null;
}

/** The id of a step's cell. */
export function cellOf(run: DocumentRun, step: string): string | null {
  return run.steps.find(each => each.id === step)?.cell ?? null;
}

/** A time of day, with its date when that is another than today's. */
export function clock(time: string, now: Date = new Date()): string {
  const moment = new Date(time);
  const today = moment.toDateString() === now.toDateString();
  const hours = moment.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
  return today ? hours : `${moment.toLocaleDateString()}, ${hours}`;
}

function at(what: string, time: string | null): string {
  return time === null ? '' : `${what} ${clock(time)}`;
}

function since(time: string | null): string {
  return time === null ? '' : `Since ${clock(time)}`;
}

function sentences(...parts: (string | null)[]): string {
  return parts.filter(Boolean).join('. ');
}

/** Whether the notebook's cell has another source than the run's. */
export function isEdited(
  sources: Readonly<Record<string, string>> | null,
  cell: string,
  source: string
): boolean {
  const ran = sources?.[cell];
  return ran !== undefined && ran !== source;
}

/** Whether any cell is another than the run has it, or is new. */
export function hasEdits(
  sources: Readonly<Record<string, string>> | null,
  cells: Iterable<readonly [id: string, source: string]>
): boolean {
  if (!sources) return false;
  return [...cells].some(([id, source]) => {
    const ran = sources[id];
    return ran === undefined ? source.trim() !== '' : ran !== source;
  });
}
