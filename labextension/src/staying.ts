/** A dialog that stays open while its fields say nothing usable. */

import { Dialog } from '@jupyterlab/apputils';

export interface Fields<T> extends Dialog.IBodyWidget<T> {
  getValue(): T;
  /** Whether they say something usable; what is wrong is said beside them. */
  isComplete(): boolean;
  /** So that the user is where something is to be changed. */
  focusFirstWrong(): void;
}

export class Staying<T> extends Dialog<T> {
  constructor(private readonly _options: { body: Fields<T> } & Partial<Dialog.IOptions<T>>) {
    super(_options);
  }

  override resolve(index?: number): void {
    const accepts = index === undefined || (this._options.buttons?.[index]?.accept ?? false);
    if (accepts && !this._options.body.isComplete()) {
      this._options.body.focusFirstWrong();
      return;
    }
    super.resolve(index);
  }
}
