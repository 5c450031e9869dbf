/** The fields of the dialog before a run: each parameter with its default, and what is typed there
 * as a value.
 */

import { Widget } from '@lumino/widgets';

import { Inspection, Parameter } from './api';
import { Mistake } from './problem.js';
import { isChanged, typeName, valueOf, written } from './model/parameters.js';
import { Fields } from './staying';
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

export class RunForm extends Widget implements Fields<Wanted> {
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
      const isWrong = 'mistake' in read;
      said.textContent = isWrong ? read.mistake : '';
      input.setAttribute('aria-invalid', String(isWrong));
      if (isWrong) {
        wanted.mistakes.push({ where: parameter.name, message: read.mistake });
      } else if (isChanged(parameter, input)) {
        wanted.parameters[parameter.name] = read.value;
      }
    }
    return wanted;
  }

  isComplete(): boolean {
    return this.getValue().mistakes.length === 0;
  }

  focusFirstWrong(): void {
    this._fields.find(({ input }) => input.getAttribute('aria-invalid') === 'true')?.input.focus();
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
  said.id = `jupyter-flows-wrong-${parameter.name}`;
  input.setAttribute('aria-describedby', said.id);
  return { parameter, input, said };
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
