/** What is typed into a parameter's field, as a value. */

import { Parameter } from '../api';
import { Json } from '../wire';

/** The part of a field that says what is in it. */
export type Typed = Pick<
  HTMLInputElement,
  'type' | 'value' | 'valueAsNumber' | 'checked' | 'defaultChecked'
>;

export function typeName(value: Json): string {
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float';
  return typeof value === 'string' ? 'str' : '';
}

/** A default that is no plain value is not written into the field: empty means it. */
export function written({ value }: Parameter): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

export function isChanged(parameter: Parameter, input: Typed): boolean {
  return input.type === 'checkbox'
    ? input.checked !== input.defaultChecked
    : input.value !== written(parameter);
}

export function valueOf(
  parameter: Parameter,
  input: Typed
): { value: Json } | { mistake: string } {
  if (input.type === 'checkbox') return { value: input.checked };
  if (!isChanged(parameter, input)) return { value: parameter.value };
  if (input.type === 'number') {
    return numberIn(parameter, input);
  }
  if (typeName(parameter.value) === 'str' || parameter.type === 'str') return { value: input.value };
  return jsonIn(input.value, parameter.value !== null);
}

function numberIn({ type }: Parameter, input: Typed): { value: Json } | { mistake: string } {
  const value = input.value ? input.valueAsNumber : NaN;
  if (!Number.isFinite(value)) return { mistake: 'A number is needed here.' };
  const isWrong = type === 'int' && !Number.isInteger(value);
  return isWrong ? { mistake: 'A whole number is needed here.' } : { value };
}

/** Lists, tables and the like are written as JSON; where the default says no kind, text is text. */
function jsonIn(text: string, strict: boolean): { value: Json } | { mistake: string } {
  try {
    return { value: JSON.parse(text) as Json };
  } catch {
    return strict ? { mistake: 'This is no JSON, as in ["a", 1] or {"a": 1}.' } : { value: text };
  }
}
