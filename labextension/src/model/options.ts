/** Flow options as fields: what each shows of the metadata, and what typing into it writes. */

export type Kind =
  | 'text'
  | 'long'
  | 'expression'
  | 'duration'
  | 'whole'
  | 'number'
  | 'check'
  | 'choice'
  | 'names'
  | 'needs'
  | 'group'
  | 'gate';

/** One field, or a group of them; made from the schema of the flow options. */
export interface Control {
  path: string[];
  kind: Kind;
  title: string;
  help: string;
  controls?: Control[];
  default?: unknown;
  choices?: string[];
  pattern?: string;
  says?: string;
  minimum?: number;
  maximum?: number;
  max_length?: number;
}

export type Flow = Readonly<Record<string, unknown>>;

/** What an entry means: a value, nothing (undefined), or a mistake. */
export type Read = { value: unknown } | { mistake: string };

export function at(flow: Flow, path: readonly string[]): unknown {
  let value: unknown = flow;
  for (const key of path) {
    if (!isObject(value)) return undefined;
    value = value[key];
  }
  return value;
}

/** What the field shows; null: the value can only be said in JSON. */
export function shown(control: Control, flow: Flow): string | null {
  const value = at(flow, control.path);
  if (value === undefined || value === null) return '';
  switch (control.kind) {
    case 'names':
      return isTexts(value) ? value.join(', ') : null;
    case 'needs':
      return Array.isArray(value) ? groupsText(value) : plain(value);
    case 'expression':
      return isObject(value) ? plain(value['expr'] ?? null) : plain(value);
    default:
      return plain(value);
  }
}

/** Whether a box is ticked. */
export function ticked(control: Control, flow: Flow): boolean {
  return (at(flow, control.path) ?? control.default ?? false) === true;
}

function plain(value: unknown): string | null {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : null;
}

/** What was typed, as the option's value. */
export function read(control: Control, text: string): Read {
  const trimmed = text.trim();
  if (!trimmed) return { value: undefined };
  switch (control.kind) {
    case 'whole':
    case 'number':
      return readNumber(control, trimmed);
    case 'names':
      return readNames(trimmed);
    case 'needs':
      return readNeeds(trimmed);
    case 'duration':
      return readDuration(control, trimmed);
    case 'choice':
      return { value: trimmed === control.default ? undefined : trimmed };
    case 'long':
      return { value: text };
    default:
      return readText(control, trimmed);
  }
}

function readText(control: Control, text: string): Read {
  if (control.max_length !== undefined && text.length > control.max_length) {
    return { mistake: `At most ${control.max_length} characters` };
  }
  // The schema's patterns forbid a line's end in Python's words; here there is none.
  const pattern = control.pattern?.replace('(?!\\n)', '');
  if (pattern !== undefined && !new RegExp(pattern).test(text)) {
    return { mistake: sentence(control.says ?? 'does not fit') };
  }
  return { value: text };
}

function readDuration(control: Control, text: string): Read {
  const isSeconds = /^\d+(?:\.\d+)?$/.test(text);
  return readText(control, isSeconds ? `${text}s` : text);
}

function readNumber(control: Control, text: string): Read {
  const value = Number(text);
  const { minimum, maximum } = control;
  if (!Number.isFinite(value)) return { mistake: 'Must be a number' };
  if (control.kind === 'whole' && !Number.isInteger(value)) {
    return { mistake: 'Must be a whole number' };
  }
  if (minimum !== undefined && value < minimum) return { mistake: `Must be ${minimum} or more` };
  if (maximum !== undefined && value > maximum) return { mistake: `Must be ${maximum} or less` };
  return { value };
}

function readNames(text: string): Read {
  const names = split(text);
  const twice = names.find((name, place) => names.indexOf(name) !== place);
  if (twice !== undefined) return { mistake: `${twice} is named twice` };
  return { value: names.length ? names : undefined };
}

/** `2`, or `finance 2, legal`. */
function readNeeds(text: string): Read {
  if (/^\d+$/.test(text)) {
    return Number(text) >= 1 ? { value: Number(text) } : { mistake: 'Must be 1 or more' };
  }
  if (!/[^\d\s.,-]/.test(text)) return { mistake: 'Must be a whole number of 1 or more' };
  return {
    value: split(text).map(one => {
      const [, group = one, count] = /^(.*\S)\s+(\d+)$/.exec(one) ?? [];
      return count === undefined ? { group } : { group, required: Number(count) };
    })
  };
}

function groupsText(groups: readonly unknown[]): string | null {
  const texts = groups.map(need => {
    if (!isObject(need) || typeof need['group'] !== 'string') return null;
    const count = need['required'];
    return typeof count === 'number' ? `${need['group']} ${count}` : need['group'];
  });
  return texts.every(text => text !== null) ? texts.join(', ') : null;
}

function split(text: string): string[] {
  return text
    .split(/[,\n]/)
    .map(name => name.trim())
    .filter(Boolean);
}

/**
 * The options with this value; a new object. Undefined takes the key away, and the objects around
 * it that are empty then; but never the gate: it is one without options, too.
 */
export function write(flow: Flow, path: readonly string[], value: unknown): Flow {
  const [key, ...rest] = path;
  if (key === undefined) return flow;
  if (!rest.length) return withKey(flow, key, value);
  const inner = flow[key];
  if (value === undefined && !isObject(inner)) return flow;
  const changed = write(isObject(inner) ? inner : {}, rest, value);
  const isEmpty = Object.keys(changed).length === 0 && key !== 'suspend';
  return withKey(flow, key, isEmpty ? undefined : changed);
}

function withKey(flow: Flow, key: string, value: unknown): Flow {
  if (value !== undefined) return { ...flow, [key]: value };
  return Object.fromEntries(Object.entries(flow).filter(([name]) => name !== key));
}

/** What ticking a box writes: nothing where that is meant anyhow. */
export function tick(control: Control, ticked: boolean): unknown {
  return ticked === (control.default ?? false) ? undefined : ticked;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every(each => typeof each === 'string');
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
