/** What was saved of a run's variables, in words, from what the server says of it. */

import { Checkpoint, DocumentRun, Unsaved } from '../wire';

/** A run's part that is about its kernel and variables. */
export type Kept = Pick<
  DocumentRun,
  'status' | 'checkpoint' | 'saved' | 'released_at' | 'kernel_id'
>;

const NO_KERNEL = 'The run has no kernel here now.';
const COMES_BACK = 'It comes back with the saved variables when the run goes on.';
const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** What is kept of a run that waits, in few words; "" is nothing to say. */
export function keptWords(run: Kept): string {
  if (!waits(run)) return '';
  const { checkpoint, saved, released_at } = run;
  const what = checkpoint ? savedWords(checkpoint) : saved ? 'Variables not saved' : '';
  if (released_at !== null) return joined(what, 'kernel released');
  return joined(what, isBare(run) ? 'no kernel' : '');
}

/** All there is to say of it. */
export function keptDetail(run: Kept): string {
  if (!waits(run)) return '';
  const bare = isBare(run) ? NO_KERNEL : '';
  const back = bare && run.checkpoint?.complete ? COMES_BACK : '';
  return [run.saved, bare, back].filter(Boolean).join(' ');
}

function waits({ status }: Kept): boolean {
  return status === 'suspended' || status === 'sleeping';
}

/** Whether its kernel is gone, and nobody let it go. */
function isBare({ kernel_id, released_at }: Kept): boolean {
  return kernel_id === null && released_at === null;
}

/** 14 variables saved, 2 not. */
function savedWords({ variables, unsaved, doubt }: Checkpoint): string {
  const not = unsaved.length ? `${unsaved.length} not` : '';
  return joined(`${counted(variables)} saved`, not, doubt === null ? '' : 'but can’t be loaded');
}

/** 14 variables, 1.16 GB in 0.9 s. */
export function figures({ variables, bytes, seconds }: Checkpoint): string {
  return `${counted(variables)}, ${size(bytes)} in ${seconds.toFixed(1)} s`;
}

/** What stands in the way: sqlite3.Connection, or generator, at job.g. */
export function obstacle({ name, path, type }: Unsaved): string {
  return joined(type, path === name ? '' : `at ${path}`);
}

export function counted(variables: number): string {
  return `${variables} ${variables === 1 ? 'variable' : 'variables'}`;
}

/** In powers of 1,000: 950 B, 1.16 GB. */
export function size(bytes: number): string {
  let [value, unit] = [bytes, 0];
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${Number(value.toPrecision(3))} ${UNITS[unit] ?? ''}`;
}

function joined(...parts: string[]): string {
  return parts.filter(Boolean).join(', ');
}
