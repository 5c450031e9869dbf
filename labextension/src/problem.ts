/** The server's answers, and its refusals in words. */

/** One thing wrong in what was sent: `where` names a cell and key, a field or a parameter. */
export interface Mistake {
  where: string;
  message: string;
}

/** A refusal in the server's words (RFC 9457). Status 0: the server could not be reached. */
export class Problem extends Error {
  override readonly name = 'Problem';

  constructor(
    readonly title: string,
    readonly detail: string,
    readonly status: number,
    readonly mistakes: readonly Mistake[] = []
  ) {
    super(detail || title);
  }
}

/** What to tell the user of any failure. */
export function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

type Answered = Pick<Response, 'ok' | 'status' | 'statusText'>;

/** What a door says, of the text it sent; null is nothing. Raises Problem. */
export function answerOf(response: Answered, text: string): unknown {
  const said = parsed(text);
  if (!response.ok) throw problem(response, said ?? null);
  // doors speak JSON: a page in its place is the one to log in at, that we were led to
  if (said === undefined) throw new Problem('You are logged out', 'Reload the page.', 401);
  return said;
}

/** Undefined: it is no JSON. */
function parsed(text: string): unknown {
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return undefined;
  }
}

function problem(response: Answered, said: unknown): Problem {
  const body = (typeof said === 'object' && said !== null ? said : {}) as Record<string, unknown>;
  const title = text(body['title']) ?? response.statusText;
  const detail = text(body['detail']) ?? text(body['message']) ?? title;
  return new Problem(title, detail, response.status, mistakesIn(body['errors']));
}

function text(said: unknown): string | null {
  return typeof said === 'string' && said ? said : null;
}

function mistakesIn(said: unknown): Mistake[] {
  const listed: unknown[] = Array.isArray(said) ? said : [];
  return listed.map(each => {
    const { where, message } = each as Partial<Mistake>;
    return { where: where ?? '', message: message ?? '' };
  });
}
