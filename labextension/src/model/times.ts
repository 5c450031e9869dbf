/** Times and durations in words, in the reader's zone. */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** In at most two units: 340 ms, 12 s, 3 min 5 s, 2 h 4 min, 3 d 4 h. */
export function duration(ms: number): string {
  const whole = Math.max(0, Math.round(ms));
  if (whole < SECOND) return `${whole} ms`;
  if (whole < 10 * SECOND) return `${(Math.floor(whole / 100) / 10).toFixed(1)} s`;
  if (whole < MINUTE) return `${Math.floor(whole / SECOND)} s`;
  if (whole < HOUR) return two(whole, MINUTE, 'min', SECOND, 's');
  if (whole < DAY) return two(whole, HOUR, 'h', MINUTE, 'min');
  return two(whole, DAY, 'd', HOUR, 'h');
}

function two(ms: number, large: number, one: string, small: number, other: string): string {
  const rest = Math.floor((ms % large) / small);
  const first = `${Math.floor(ms / large)} ${one}`;
  return rest ? `${first} ${rest} ${other}` : first;
}

/** Between two moments, in milliseconds; an end that is not there yet is now. */
export function between(from: string | null, to: string | null, now: number): number | null {
  if (from === null) return null;
  return Math.max(0, (to === null ? now : Date.parse(to)) - Date.parse(from));
}

/** As short as can be for something that was: 5 min ago, 14:03, yesterday 14:03, 3 Nov 14:03. */
export function moment(at: string, now: number, locale?: string): string {
  const ago = now - Date.parse(at);
  if (ago >= 0 && ago < MINUTE) return 'just now';
  if (ago >= 0 && ago < HOUR) return `${Math.floor(ago / MINUTE)} min ago`;
  const then = new Date(at);
  const hours = then.toLocaleTimeString(locale, { hour: '2-digit', minute: '2-digit' });
  const days = dayOf(now) - dayOf(Date.parse(at));
  if (days === 0) return hours;
  if (days === 1) return `yesterday ${hours}`;
  const sameYear = then.getFullYear() === new Date(now).getFullYear();
  const date = then.toLocaleDateString(locale, {
    day: 'numeric',
    month: 'short',
    ...(sameYear ? {} : { year: 'numeric' })
  });
  return `${date} ${hours}`;
}

/** The number of the reader's day. */
function dayOf(at: number): number {
  const day = new Date(at);
  return Math.round(Date.UTC(day.getFullYear(), day.getMonth(), day.getDate()) / DAY);
}

/** All of it, with the zone: for a tooltip. */
export function fullTime(at: string, locale?: string): string {
  return new Date(at).toLocaleString(locale, { dateStyle: 'full', timeStyle: 'long' });
}

/** How long something that ends then still takes. */
export function remaining(deadline: string, now: number): string {
  const ms = Date.parse(deadline) - now;
  return ms <= 0 ? 'time is up' : `${duration(Math.ceil(ms / SECOND) * SECOND)} left`;
}
