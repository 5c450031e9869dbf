/** The side panel as a widget: it shows what the store knows, and is not drawn while hidden. */

import { ReactWidget } from '@jupyterlab/ui-components';
import { Message } from '@lumino/messaging';
import React from 'react';

import { isOver } from '../model/runs';
import { Panel, PanelProps } from '../view/panel';
import { Store } from './store';

const SAFETY_NET = 30_000;
const TICK = 1000;

export class FlowsPanel extends ReactWidget {
  constructor(
    private readonly _store: Store,
    private readonly _deeds: PanelProps['deeds']
  ) {
    super();
    this.id = 'jupyter-flows-panel';
    this.addClass('jfp-Widget');
    _store.changed.connect(this._onChanged);
  }

  override dispose(): void {
    if (this.isDisposed) return;
    this._rest();
    this._store.changed.disconnect(this._onChanged);
    super.dispose();
  }

  protected override render(): React.JSX.Element {
    return <Panel state={this._store.state} now={Date.now()} deeds={this._deeds} />;
  }

  protected override onActivateRequest(): void {
    this.node.querySelector<HTMLElement>('[role="tab"][aria-selected="true"]')?.focus();
  }

  protected override onAfterShow(msg: Message): void {
    super.onAfterShow(msg);
    this._store.watched = true;
    this._timers = [
      setInterval(() => {
        this._store.refresh();
      }, SAFETY_NET),
      setInterval(() => {
        if (this._isMoving()) this.update();
      }, TICK)
    ];
    this.update();
  }

  protected override onAfterHide(msg: Message): void {
    super.onAfterHide(msg);
    this._rest();
  }

  private readonly _onChanged = (): void => {
    if (this.isVisible) this.update();
  };

  /** Whether a time that is shown goes on. */
  private _isMoving(): boolean {
    const { tab, chosen, details, runs } = this._store.state;
    if (tab === 'inbox') return true;
    if (chosen !== null) return details !== null && !isOver(details.run.status);
    return runs?.some(run => !isOver(run.status)) ?? false;
  }

  private _rest(): void {
    this._timers.forEach(clearInterval);
    this._timers = [];
    if (!this._store.isDisposed) this._store.watched = false;
  }

  private _timers: ReturnType<typeof setInterval>[] = [];
}
