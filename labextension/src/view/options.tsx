/** The fields of flow options: one for each control, and groups that open. */

import React from 'react';

import { Control, Flow, at, read, shown, tick, ticked, write } from '../model/options';

export interface OptionsProps {
  controls: readonly Control[];
  flow: Flow;
  onChange: (flow: Flow) => void;
  /** Whether the cell is a gate, wherever it says so; null: it is no cell. */
  gate: { on: boolean; toggle: () => void } | null;
  /** Begins the ids of the fields. */
  prefix: string;
}

export function Options(props: OptionsProps): React.JSX.Element {
  return (
    <div className="jfp-Options">
      {props.controls.map(control => (
        <OneOption key={control.path.join('.')} {...props} control={control} />
      ))}
    </div>
  );
}

type Props = OptionsProps & { control: Control };

function OneOption(props: Props): React.JSX.Element | null {
  switch (props.control.kind) {
    case 'gate':
      return props.gate && <Gate {...props} gate={props.gate} />;
    case 'group':
      return <Group {...props} />;
    case 'check':
      return <Check {...props} />;
    default:
      return <Field {...props} />;
  }
}

function Gate(props: Props & { gate: { on: boolean; toggle: () => void } }): React.JSX.Element {
  const { control, gate } = props;
  return (
    <fieldset className="jfp-Gate">
      <legend className="jfp-hidden">{control.title}</legend>
      <label className="jfp-Check">
        <input type="checkbox" checked={gate.on} onChange={gate.toggle} />
        {control.title}
      </label>
      {gate.on && (
        <div className="jfp-Indent">
          <Options {...props} controls={control.controls ?? []} />
          <p className="jfp-Help">{control.help}</p>
        </div>
      )}
    </fieldset>
  );
}

function Group(props: Props): React.JSX.Element {
  const { control, flow } = props;
  const [isOpen] = React.useState(at(flow, control.path) !== undefined);
  return (
    <details open={isOpen}>
      <summary>{control.title}</summary>
      <div className="jfp-Indent">
        {control.help && <p className="jfp-Help">{control.help}</p>}
        <Options {...props} controls={control.controls ?? []} />
      </div>
    </details>
  );
}

function Check({ control, flow, onChange, prefix }: Props): React.JSX.Element {
  const id = idOf(prefix, control);
  return (
    <div className="jfp-Option">
      <label className="jfp-Check">
        <input
          type="checkbox"
          checked={ticked(control, flow)}
          aria-describedby={control.help ? `${id}-help` : undefined}
          onChange={event => {
            onChange(write(flow, control.path, tick(control, event.target.checked)));
          }}
        />
        {control.title}
      </label>
      {control.help && (
        <p id={`${id}-help`} className="jfp-Help">
          {control.help}
        </p>
      )}
    </div>
  );
}

function Field(props: Props): React.JSX.Element {
  const { control, flow, onChange, prefix } = props;
  const now = shown(control, flow);
  const [text, setText] = React.useState(now ?? '');
  const [mistake, setMistake] = React.useState('');
  const before = React.useRef<unknown>(undefined);
  const id = idOf(prefix, control);
  if (now === null) return <OnlyJson id={id} control={control} />;
  const type = (said: string): void => {
    setText(said);
    const meant = read(control, said);
    setMistake('mistake' in meant ? meant.mistake : '');
    // On the way to a mistake lie entries that mean something (3 of 3x): they must not stay.
    const value = 'value' in meant ? meant.value : before.current;
    onChange(write(flow, control.path, value));
  };
  const about = [control.help && `${id}-help`, mistake && `${id}-mistake`].filter(Boolean).join(' ');
  return (
    <div className="jfp-Option">
      <label htmlFor={id}>{control.title}</label>
      <Entry
        id={id}
        control={control}
        text={text}
        about={about || undefined}
        wrong={mistake !== ''}
        onBegin={() => {
          if (!mistake) before.current = at(flow, control.path);
        }}
        onType={type}
      />
      {mistake && (
        <p id={`${id}-mistake`} className="jfp-Error" role="alert">
          {mistake}
        </p>
      )}
      {control.help && (
        <p id={`${id}-help`} className="jfp-Help">
          {control.help}
        </p>
      )}
    </div>
  );
}

function OnlyJson({ id, control }: { id: string; control: Control }): React.JSX.Element {
  return (
    <div className="jfp-Option">
      <label htmlFor={id}>{control.title}</label>
      <input id={id} type="text" readOnly value="Set in the metadata, as JSON" />
    </div>
  );
}

function Entry(props: {
  id: string;
  control: Control;
  text: string;
  about: string | undefined;
  wrong: boolean;
  onBegin: () => void;
  onType: (text: string) => void;
}): React.JSX.Element {
  const { control, onType } = props;
  const common = {
    id: props.id,
    value: props.text,
    'aria-describedby': props.about,
    'aria-invalid': props.wrong || undefined,
    onFocus: props.onBegin,
    onChange: (event: { target: { value: string } }): void => {
      onType(event.target.value);
    }
  };
  if (control.kind === 'choice') {
    return (
      <select {...common} value={props.text || hint(control)}>
        {control.choices?.map(choice => (
          <option key={choice} value={choice}>
            {choice}
          </option>
        ))}
      </select>
    );
  }
  if (control.kind === 'long') return <textarea {...common} rows={3} />;
  const code = control.kind === 'expression' ? 'jfp-Code' : undefined;
  return (
    <input
      {...common}
      type="text"
      className={code}
      inputMode={control.kind === 'whole' ? 'numeric' : undefined}
      placeholder={hint(control)}
      spellCheck={false}
    />
  );
}

/** What an empty field means, or what one looks like. */
function hint(control: Control): string | undefined {
  if (typeof control.default === 'string' || typeof control.default === 'number') {
    return String(control.default);
  }
  if (control.kind === 'duration') return 'as in 90s, 30m, 12h, 3d';
  if (control.kind === 'names') return 'as in ann, bob';
  return undefined;
}

function idOf(prefix: string, control: Control): string {
  return `${prefix}-${control.path.join('-')}`;
}
