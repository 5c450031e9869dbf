/** The flow options in the property inspector: our fields for the key `flow` of the metadata. */

import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { INotebookTracker } from '@jupyterlab/notebook';
import { IFormRendererRegistry } from '@jupyterlab/ui-components';
import React from 'react';

import { Control, Flow, isObject } from '../model/options';
import { isGate } from '../model/suspend';
import { PanelCommands } from '../panel/tokens';
import { Options } from '../view/options';

const RENDERER = 'jupyter-flows:options.flow';
const KEY = '/flow';

/** What the lab's form gives a field. */
interface FieldProps {
  schema: { 'x-controls'?: Control[] };
  formData?: unknown;
  formContext?: { updateMetadata(data: Record<string, unknown>): void };
  idSchema: { $id: string };
}

export const optionsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-flows:options',
  description: 'Fields for flow options in the property inspector.',
  autoStart: true,
  requires: [IFormRendererRegistry, INotebookTracker],
  activate: (
    app: JupyterFrontEnd,
    registry: IFormRendererRegistry,
    tracker: INotebookTracker
  ): void => {
    const gate = (): { on: boolean; toggle: () => void } | null => {
      const model = tracker.activeCell?.model;
      return model
        ? {
            on: isGate(model.metadata, model.sharedModel.getSource()),
            toggle: () => void app.commands.execute(PanelCommands.toggleGate)
          }
        : null;
    };
    registry.addRenderer(RENDERER, {
      fieldRenderer: props => <FlowField {...(props as unknown as FieldProps)} gate={gate} />
    });
  }
};

function FlowField(
  props: FieldProps & { gate: () => { on: boolean; toggle: () => void } | null }
): React.JSX.Element {
  const [flow, setFlow] = React.useState<Flow>(isObject(props.formData) ? props.formData : {});
  return (
    <Options
      controls={props.schema['x-controls'] ?? []}
      flow={flow}
      gate={props.gate()}
      prefix={props.idSchema.$id}
      onChange={changed => {
        setFlow(changed);
        const value = Object.keys(changed).length ? changed : undefined;
        props.formContext?.updateMetadata({ [KEY]: value });
      }}
    />
  );
}
