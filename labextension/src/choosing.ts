/** The fields of the dialog before a run goes on: with which of its variables. */

import { Widget } from '@lumino/widgets';

import { Fields } from './staying';
import { Choice } from './wire';

const EDITED =
  'The notebook was edited since the run began. ' +
  'What has run already must still stand in it as it was.';

const WORDS: Record<Choice, string> = {
  checkpoint: 'With the variables as they were saved',
  changed: 'With the saved variables, although packages have changed since',
  kernel: 'With the kernel as it is now',
  rerun: 'Run the earlier cells again'
};

/** What was agreed to by approving is chosen already; all else is for a person to say. */
const USUAL: Choice = 'checkpoint';

export interface Question {
  /** Why the run stopped. */
  why: string | null;
  /** One alone is no question. */
  choices: readonly Choice[];
  edited: boolean;
}

export class ChoiceForm extends Widget implements Fields<Choice | null> {
  constructor({ why, choices, edited }: Question) {
    super();
    this.addClass('jupyter-flows-form');
    if (choices.length > 1) {
      if (why) this.node.append(line(why));
      this._radios = choices.map(radio);
      this.node.append(this._group(), this._said);
      this._said.className = 'jupyter-flows-wrong';
      this._said.setAttribute('role', 'alert');
    }
    if (edited) this.node.append(line(EDITED));
  }

  getValue(): Choice | null {
    return (this._radios.find(each => each.checked)?.value as Choice | undefined) ?? null;
  }

  isComplete(): boolean {
    const complete = !this._radios.length || this.getValue() !== null;
    this._said.textContent = complete ? '' : 'Choose one of these.';
    return complete;
  }

  focusFirstWrong(): void {
    this._radios[0]?.focus();
  }

  private _group(): HTMLElement {
    const group = document.createElement('fieldset');
    group.className = 'jupyter-flows-choices';
    const legend = document.createElement('legend');
    legend.textContent = 'How is the run to go on?';
    group.append(legend, ...this._radios.map(labelled));
    return group;
  }

  private _radios: HTMLInputElement[] = [];
  private readonly _said = document.createElement('p');
}

function radio(choice: Choice): HTMLInputElement {
  const made = document.createElement('input');
  made.type = 'radio';
  made.name = 'jupyter-flows-choice';
  made.value = choice;
  made.checked = choice === USUAL;
  return made;
}

function labelled(input: HTMLInputElement): HTMLElement {
  const label = document.createElement('label');
  label.append(input, WORDS[input.value as Choice]);
  return label;
}

function line(text: string): HTMLElement {
  const made = document.createElement('p');
  made.textContent = text;
  return made;
}
