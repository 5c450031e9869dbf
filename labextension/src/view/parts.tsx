/** The small parts that the panel's views are made of. */

import React from 'react';

import { Word } from '../model/runs';
import { fullTime, moment } from '../model/times';

export function Badge({ word, title }: { word: Word; title?: string }): React.JSX.Element {
  return (
    <span className={`jfp-Badge jfp-${word.tone}`} title={title}>
      {word.text}
    </span>
  );
}

export function Time({ at, now }: { at: string; now: number }): React.JSX.Element {
  return (
    <time dateTime={at} title={fullTime(at)}>
      {moment(at, now)}
    </time>
  );
}

interface Press {
  onPress: () => void;
  children: React.ReactNode;
  /** Where the words alone don't say of what. */
  label?: string;
  title?: string;
  danger?: boolean;
  disabled?: boolean;
}

export function Button(props: Press): React.JSX.Element {
  return (
    <button
      type="button"
      className={props.danger ? 'jfp-Button jfp-danger' : 'jfp-Button'}
      aria-label={props.label}
      title={props.title}
      disabled={props.disabled}
      onClick={props.onPress}
    >
      {props.children}
    </button>
  );
}

export function Section(props: { title: string; children: React.ReactNode }): React.JSX.Element {
  return (
    <section className="jfp-Section" aria-label={props.title}>
      <h3>{props.title}</h3>
      {props.children}
    </section>
  );
}

export function Empty({ children }: { children: React.ReactNode }): React.JSX.Element {
  return <p className="jfp-Empty">{children}</p>;
}

/** One of a few, as buttons beside each other; arrows go from one to the next. */
export function Choice<T extends string>(props: {
  label: string;
  role: 'tablist' | 'radiogroup';
  chosen: T;
  choices: readonly { id: T; text: string; controls?: string }[];
  onChoose: (id: T) => void;
}): React.JSX.Element {
  const isTabs = props.role === 'tablist';
  const step = (event: React.KeyboardEvent<HTMLElement>, by: number): void => {
    const { choices, chosen } = props;
    const place = choices.findIndex(choice => choice.id === chosen);
    const next = choices[(place + by + choices.length) % choices.length];
    const buttons = event.currentTarget.querySelectorAll('button');
    event.preventDefault();
    if (!next) return;
    buttons[choices.indexOf(next)]?.focus();
    props.onChoose(next.id);
  };
  return (
    <div
      role={props.role}
      aria-label={props.label}
      className={isTabs ? 'jfp-Tabs' : 'jfp-Segments'}
      onKeyDown={event => {
        if (event.key === 'ArrowRight' || event.key === 'ArrowDown') step(event, 1);
        if (event.key === 'ArrowLeft' || event.key === 'ArrowUp') step(event, -1);
      }}
    >
      {props.choices.map(choice => {
        const chosen = choice.id === props.chosen;
        return (
          <button
            type="button"
            key={choice.id}
            id={`jfp-${props.role}-${choice.id}`}
            role={isTabs ? 'tab' : 'radio'}
            aria-selected={isTabs ? chosen : undefined}
            aria-checked={isTabs ? undefined : chosen}
            aria-controls={choice.controls}
            tabIndex={chosen ? 0 : -1}
            onClick={() => {
              props.onChoose(choice.id);
            }}
          >
            {choice.text}
          </button>
        );
      })}
    </div>
  );
}
