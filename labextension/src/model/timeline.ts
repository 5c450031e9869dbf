/** A run's steps as bars: work is to scale, and the waits for people are cut out and stand apart. */

import { GateView, RunView } from '../api';
import { Step } from '../wire';
import { between } from './times';

/** A wait for people behind a step. `share` is its part of the longest one. */
export interface Wait {
  gate: string;
  ms: number;
  open: boolean;
  share: number;
}

/** One step. `start` and `width` are parts of all the work there was; null: it was not begun. */
export interface Row {
  step: Step;
  label: string;
  ms: number | null;
  start: number;
  width: number;
  waits: Wait[];
}

export interface Timeline {
  rows: Row[];
  /** All the work, and all the waiting for people, in milliseconds. */
  work: number;
  waited: number;
}

export function timeline(run: RunView, now: number): Timeline {
  const spans = run.steps.map(step => between(step.started_at, endOf(step, run), now));
  const work = sum(spans);
  const waits = new Map(run.steps.map(step => [step.id, waitsOf(run.gates, step, now)]));
  const longest = Math.max(0, ...[...waits.values()].flat().map(wait => wait.ms));
  let passed = 0;
  const rows = run.steps.map((step, place): Row => {
    const ms = spans[place] ?? null;
    const row = {
      step,
      label: labelOf(step),
      ms,
      start: part(passed, work),
      width: part(ms ?? 0, work),
      waits: (waits.get(step.id) ?? []).map(wait => ({ ...wait, share: part(wait.ms, longest) }))
    };
    passed += ms ?? 0;
    return row;
  });
  return { rows, work, waited: sum(rows.flatMap(row => row.waits.map(wait => wait.ms))) };
}

/** A step that was at work when its run stopped ended there. */
function endOf(step: Step, run: RunView): string | null {
  return step.finished_at ?? (run.status === 'interrupted' ? step.started_at : run.finished_at);
}

function waitsOf(gates: readonly GateView[], step: Step, now: number): Omit<Wait, 'share'>[] {
  return gates
    .filter(gate => gate.step === step.id && gate.opened_at !== null)
    .map(gate => ({
      gate: gate.id,
      ms: between(gate.opened_at, gate.closed_at, now) ?? 0,
      open: gate.status === 'open'
    }));
}

export function labelOf(step: { summary: string; index: number }): string {
  return step.summary || `Cell ${step.index + 1}`;
}

function part(ms: number, whole: number): number {
  return whole > 0 ? Math.min(1, ms / whole) : 0;
}

function sum(all: readonly (number | null)[]): number {
  return all.reduce<number>((total, ms) => total + (ms ?? 0), 0);
}
