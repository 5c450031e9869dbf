/** Whether a cell is a gate, and how it becomes one or none. A cell says so in three places. */

export const TAG = 'suspend';

/** Where a cell says that it is a gate: `tag`, `options` (metadata.flow) or `lines` (`#|`). */
export interface Said {
  tag: boolean;
  options: boolean;
  /** Options that would be lost with the gate: who may approve, until when. */
  details: boolean;
  lines: boolean;
  /** `suspend: false` in a later place: the tag counts for nothing. */
  denied: boolean;
}

type Metadata = Readonly<Record<string, unknown>>;

const LINE = /^(?:#|\/\/|--)\|(.*)$/;
const KEY = /^\s*["']?suspend["']?\s*:\s*(.*?)\s*$/;

export function said(metadata: Metadata, source: string): Said {
  const own = flowOf(metadata)['suspend'];
  const line = inLines(source);
  return {
    tag: tagsOf(metadata).includes(TAG),
    options: own === true || isObject(own),
    details: isObject(own) && Object.keys(own).length > 0,
    lines: line === true,
    denied: line === false || (own === false && line !== true)
  };
}

export function isGate(metadata: Metadata, source: string): boolean {
  const { tag, options, lines, denied } = said(metadata, source);
  return !denied && (tag || options || lines);
}

/** The tags with the gate's; a new list. */
export function taggedOn(metadata: Metadata): string[] {
  return [...tagsOf(metadata).filter(tag => tag !== TAG), TAG];
}

export function taggedOff(metadata: Metadata): string[] {
  return tagsOf(metadata).filter(tag => tag !== TAG);
}

/** metadata.flow without the gate; null: nothing is left of it. */
export function withoutGate(metadata: Metadata): Record<string, unknown> | null {
  const rest = Object.entries(flowOf(metadata)).filter(([key]) => key !== 'suspend');
  return rest.length ? Object.fromEntries(rest) : null;
}

function tagsOf(metadata: Metadata): string[] {
  const tags = metadata['tags'];
  return Array.isArray(tags) ? tags.filter(tag => typeof tag === 'string') : [];
}

function flowOf(metadata: Metadata): Metadata {
  const flow = metadata['flow'];
  return isObject(flow) ? flow : {};
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What the leading option lines say; null is nothing. */
function inLines(source: string): boolean | null {
  for (const line of source.split('\n')) {
    const option = LINE.exec(line)?.[1];
    if (option === undefined) return null;
    const value = KEY.exec(option)?.[1];
    if (value !== undefined) return !/^(?:false|no|off)\b/i.test(value);
  }
  return null;
}
