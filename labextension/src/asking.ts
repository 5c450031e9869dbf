/** The fields of the dialog before a run: each parameter with its default, and what is typed there
 * as a value.
 */

import { Widget } from '@lumino/widgets';

import { Inspection, Parameter } from './api';
import { Mistake } from './problem.js';
import { Json } from './wire';

/** What the user wants of the run. `mistakes` are fields that say nothing usable. */
export interface Wanted {
  parameters: Record<string, Json>;
  restart: boolean;
  mistakes: Mistake[];
}

interface Field {
  parameter: Parameter;
  input: HTMLInputElement;
  said: HTMLElement;
}

export class RunForm extends Widget {
  constructor(inspected: Inspection) {
    super();
    this.addClass('jupyter-flows-form');
    this.node.append(intro(inspected), mistakeList(inspected.mistakes));
    if (inspected.mistakes.length) return;
    this._fields = inspected.parameters.map(field);
    for (const { input, parameter, said } of this._fields) {
      this.node.append(labelled(input, parameter, said));
    }
    this.node.append(checkbox(this._restart, 'Restart the kernel first'));
  }

  /** What the dialog gives. Values that are still the defaults are left to the notebook. */
  getValue(): Wanted {
    const wanted: Wanted = { parameters: {}, restart: this._restart.checked, mistakes: [] };
    for (const { parameter, input, said } of this._fields) {
      const read = valueOf(parameter, input);
      said.textContent = 'mistake' in read ? read.mistake : '';
      if ('mistake' in read) {
        wanted.mistakes.push({ where: parameter.name, message: read.mistake });
      } else if (isChanged(parameter, input)) {
        wanted.parameters[parameter.name] = read.value;
      }
    }
    return wanted;
  }

  private _fields: Field[] = [];
  private readonly _restart = document.createElement('input');
}

function intro({ gates, mistakes }: Inspection): HTMLElement {
  const line = document.createElement('p');
  line.textContent = mistakes.length
    ? 'This notebook can’t run as a flow yet:'
    : gates.length === 0
      ? 'No cell of this notebook waits for approval.'
      : gates.length === 1
        ? 'The run waits for approval once.'
        : `The run waits for approval after ${gates.length} of the cells.`;
  return line;
}

/** Mistakes in words, each with its place. */
export function mistakeList(mistakes: readonly Mistake[]): HTMLElement {
  const list = document.createElement('ul');
  list.className = 'jupyter-flows-mistakes';
  list.hidden = mistakes.length === 0;
  for (const { where, message } of mistakes) {
    const line = document.createElement('li');
    const place = document.createElement('strong');
    place.textContent = where;
    line.append(place, where ? ': ' : '', message);
    list.append(line);
  }
  return list;
}

const KINDS: Partial<Record<string, string>> = { bool: 'checkbox', int: 'number', float: 'number' };

function kindOf(parameter: Parameter): string {
  const kind = parameter.type ?? typeName(parameter.value);
  return KINDS[kind] ?? 'text';
}

function typeName(value: Json): string {
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float';
  return typeof value === 'string' ? 'str' : '';
}

function field(parameter: Parameter): Field {
  const input = document.createElement('input');
  input.type = kindOf(parameter);
  input.name = parameter.name;
  if (input.type === 'number') input.step = parameter.type === 'int' ? '1' : 'any';
  if (input.type === 'checkbox') input.defaultChecked = parameter.value === true;
  else input.defaultValue = written(parameter);
  if (parameter.value === null && input.type === 'text') input.placeholder = parameter.default;
  const said = document.createElement('span');
  said.className = 'jupyter-flows-wrong';
  said.setAttribute('role', 'alert');
  return { parameter, input, said };
}

/** A default that is no plain value is not written into the field: empty means it. */
function written({ value }: Parameter): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function isChanged(parameter: Parameter, input: HTMLInputElement): boolean {
  return input.type === 'checkbox'
    ? input.checked !== input.defaultChecked
    : input.value !== written(parameter);
}

function valueOf(
  parameter: Parameter,
  input: HTMLInputElement
): { value: Json } | { mistake: string } {
  if (input.type === 'checkbox') return { value: input.checked };
  if (!isChanged(parameter, input)) return { value: parameter.value };
  if (input.type === 'number') {
    return input.value && Number.isFinite(input.valueAsNumber)
      ? { value: input.valueAsNumber }
      : { mistake: 'A number is needed here.' };
  }
  if (typeName(parameter.value) === 'str' || parameter.type === 'str') return { value: input.value };
  return jsonIn(input.value, parameter.value !== null);
}

/** Lists, tables and the like are written as JSON; where the default says no kind, text is text. */
function jsonIn(text: string, strict: boolean): { value: Json } | { mistake: string } {
  try {
    return { value: JSON.parse(text) as Json };
  } catch {
    return strict ? { mistake: 'This is no JSON, as in ["a", 1] or {"a": 1}.' } : { value: text };
  }
}

function labelled(input: HTMLInputElement, parameter: Parameter, said: HTMLElement): HTMLElement {
  if (input.type === 'checkbox') {
    return checkbox(input, parameter.name, parameter.help);
  }
  const label = document.createElement('label');
  const name = document.createElement('span');
  name.textContent = parameter.name;
  const help = document.createElement('small');
  help.textContent = parameter.help;
  input.classList.add('jp-mod-styled');
  label.append(name, input, help, said);
  return label;
}

function checkbox(input: HTMLInputElement, words: string, help = ''): HTMLElement {
  const label = document.createElement('label');
  label.className = 'jupyter-flows-check';
  input.type = 'checkbox';
  const small = document.createElement('small');
  small.textContent = help;
  label.append(input, ` ${words} `, small);
  return label;
}
