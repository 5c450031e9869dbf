/** What the panel says of runs and gates: their states in a word, who voted, what may be done. */

import { GateView } from '../api';
import { RunStatus, StepStatus, Vote } from '../wire';

/** How a state looks: what it asks of the reader. */
export type Tone = 'quiet' | 'busy' | 'waiting' | 'good' | 'bad';

export interface Word {
  text: string;
  tone: Tone;
}

const RUNS: Record<RunStatus, Word> = {
  queued: { text: 'Queued', tone: 'quiet' },
  running: { text: 'Running', tone: 'busy' },
  suspended: { text: 'Waiting for approval', tone: 'waiting' },
  sleeping: { text: 'Sleeping', tone: 'quiet' },
  interrupted: { text: 'Interrupted', tone: 'bad' },
  succeeded: { text: 'Succeeded', tone: 'good' },
  failed: { text: 'Failed', tone: 'bad' },
  cancelled: { text: 'Cancelled', tone: 'quiet' }
};

const STEPS: Record<StepStatus, Word> = {
  pending: { text: 'Not yet', tone: 'quiet' },
  running: { text: 'Running', tone: 'busy' },
  succeeded: { text: 'Done', tone: 'good' },
  failed: { text: 'Failed', tone: 'bad' },
  skipped: { text: 'Skipped', tone: 'quiet' },
  cancelled: { text: 'Cancelled', tone: 'quiet' }
};

const ENDED: ReadonlySet<string> = new Set(['succeeded', 'failed', 'cancelled']);

export function runWord(status: RunStatus): Word {
  return RUNS[status];
}

export function stepWord(status: StepStatus): Word {
  return STEPS[status];
}

/** Whether nothing will change any more by itself. */
export function isOver(status: RunStatus): boolean {
  return ENDED.has(status);
}

export function mayCancel(run: { status: RunStatus; mine: boolean }): boolean {
  return run.mine && !isOver(run.status);
}

export function mayResume(run: { status: RunStatus; mine: boolean }): boolean {
  return run.mine && (run.status === 'failed' || run.status === 'interrupted');
}

export function gateWord(gate: GateView): Word {
  switch (gate.status) {
    case 'open':
      return { text: `${counted(gate)} approved`, tone: 'waiting' };
    case 'approved':
      return { text: 'Approved', tone: 'good' };
    case 'rejected':
      return { text: 'Rejected', tone: 'bad' };
    case 'timed_out':
      return { text: 'No answer in time', tone: 'bad' };
    case 'superseded':
      return { text: 'Asked anew', tone: 'quiet' };
  }
}

/** The approvals so far, of those needed. */
export function counted(gate: GateView): string {
  const approvals = gate.votes.filter(vote => vote.approved).length;
  return `${approvals} of ${gate.required_events}`;
}

/** What a gate asks for, apart from its number; null is nothing. */
export function asksFor(gate: GateView): string | null {
  const open = gate.groups.filter(need => need.missing > 0);
  if (open.length) return open.map(need => `${need.missing} more of ${need.group}`).join(', ');
  if (gate.approvers.length) return `Asked: ${gate.approvers.join(', ')}`;
  if (gate.user_groups_required.length) {
    return `Asked: members of ${gate.user_groups_required.join(' or ')}`;
  }
  return null;
}

export function voter(vote: Vote): string {
  return vote.approver ?? vote.claimed ?? 'Somebody with the link';
}

/** How sure the name is. */
export function surety(vote: Vote): string {
  if (vote.verified) return vote.claimed ? `logged in, by the link for ${vote.claimed}` : 'logged in';
  return 'by link, name not checked';
}

/** What a run, or a gate's run, is called: the flow's name, or its file's. */
export function title(of: { name: string | null; path: string }): string {
  return of.name ?? (fileName(of.path) || 'A notebook');
}

export function fileName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** What the executed notebook is called when it is saved. */
export function savedName(path: string, run: string): string {
  const stem = fileName(path).replace(/\.ipynb$/, '') || 'notebook';
  return `${stem}-${run}.ipynb`;
}
