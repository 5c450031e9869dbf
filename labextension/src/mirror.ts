/** What cells show, as values: changes applied to outputs, and the fewest calls that bring them on
 * screen. It knows no DOM and no Lab.
 */

import { Op, Output, ShownCell } from './wire';

export const WIDGET_VIEW = 'application/vnd.jupyter.widget-view+json';

export const NOTHING: ShownCell = { outputs: [], execution_count: null };

/** One call on an output area's model. */
export type Call =
  | { call: 'clear' }
  | { call: 'set'; index: number; output: Output }
  /** `output`: with the text behind it. */
  | { call: 'append'; index: number; text: string; output: Output }
  | { call: 'add'; output: Output };

/** The cells after these ops; cells that no op names stay the same objects. */
export function applied(
  cells: ReadonlyMap<string, ShownCell>,
  ops: readonly Op[]
): Map<string, ShownCell> {
  const after = new Map(cells);
  const fresh = new Set<string>();
  for (const op of ops) {
    const before = after.get(op.cell) ?? NOTHING;
    const cell = fresh.has(op.cell) ? before : { ...before, outputs: [...before.outputs] };
    fresh.add(op.cell);
    after.set(op.cell, cell);
    change(cell, op);
  }
  return after;
}

function change(cell: ShownCell, op: Op): void {
  const { outputs } = cell;
  const index = op.index ?? 0;
  const there = outputs[index];
  switch (op.op) {
    case 'cut':
      outputs.length = Math.min(index, outputs.length);
      break;
    case 'add':
      if (op.output) outputs.splice(index, 0, plain(op.output));
      break;
    case 'set':
      if (op.output && there) outputs[index] = plain(op.output);
      break;
    case 'append':
      if (there) outputs[index] = { ...there, text: textOf(there) + (op.text ?? '') };
      break;
    case 'count':
      cell.execution_count = op.count ?? null;
  }
}

/** With its text in one piece: Lab joins pieces in other ways than nbformat does. */
export function plain(output: Output): Output {
  return output.output_type === 'stream' ? { ...output, text: textOf(output) } : output;
}

function textOf(output: Output): string {
  const text = output['text'];
  if (Array.isArray(text)) return text.join('');
  return typeof text === 'string' ? text : '';
}

/** The fewest calls that make `after` of `before`. What is the same stays as it is on screen.
 *
 * Fewer outputs are made anew: where single ones are removed, Lab's shared model keeps others than
 * the screen.
 */
export function plan(before: readonly Output[], after: readonly Output[]): Call[] {
  if (after.length < before.length) {
    return [{ call: 'clear' }, ...plan([], after)];
  }
  const calls: Call[] = [];
  after.forEach((output, index) => {
    const there = before[index];
    if (there === undefined) {
      calls.push({ call: 'add', output });
    } else if (there !== output) {
      const text = appended(there, output);
      if (text) calls.push({ call: 'append', index, text, output });
      else if (text === null && !same(there, output)) calls.push({ call: 'set', index, output });
    }
  });
  return calls;
}

function same(one: Output, other: Output): boolean {
  return canonical(one) === canonical(other);
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) =>
    each !== null && typeof each === 'object' && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
      : each
  );
}

/** What was put behind a stream's text; null: it is another stream, or no stream. */
function appended(before: Output, after: Output): string | null {
  if (!sameStream(before, after)) return null;
  const [was, is] = [textOf(before), textOf(after)];
  return is.startsWith(was) ? is.slice(was.length) : null;
}

export function sameStream(one: Output | undefined, other: Output): boolean {
  return (
    one?.output_type === 'stream' &&
    other.output_type === 'stream' &&
    one['name'] === other['name']
  );
}

/** With the text of a stream as a terminal shows it: what \r and \b wrote over is gone. */
export function drawn(output: Output): Output {
  if (output.output_type !== 'stream') return output;
  const text = textOf(output);
  return /[\r\b]/.test(text) ? { ...output, text: terminal(text) } : output;
}

function terminal(text: string): string {
  return text.split('\n').map(line).join('\n');
}

function line(text: string): string {
  if (!/[\r\b]/.test(text)) return text;
  let [made, at] = ['', 0];
  for (const part of text.split(/([\r\b])/)) {
    if (part === '\r') at = 0;
    else if (part === '\b') at = Math.max(0, at - 1);
    else {
      made = made.slice(0, at) + part + made.slice(at + part.length);
      at += part.length;
    }
  }
  return made;
}

/** The ids of the widgets' models that these outputs are views of. */
export function widgetModels(outputs: readonly Output[]): string[] {
  return outputs
    .map(output => (dataOf(output)[WIDGET_VIEW] as { model_id?: unknown } | undefined)?.model_id)
    .filter(id => typeof id === 'string');
}

/** Without views of widgets: for a tab whose kernel does not have their models. */
export function withoutWidgets(outputs: readonly Output[]): Output[] {
  return outputs.map(output => {
    const data = dataOf(output);
    if (!(WIDGET_VIEW in data)) return output;
    const rest = Object.entries(data).filter(([mime]) => mime !== WIDGET_VIEW);
    return { ...output, data: Object.fromEntries(rest) };
  });
}

function dataOf(output: Output): Record<string, unknown> {
  return (output['data'] ?? {}) as Record<string, unknown>;
}
