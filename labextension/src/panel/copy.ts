/** Text into the clipboard. Without https a browser gives pages no clipboard: there is an old way. */

/** Whether it was copied; if not, the field, if there is one, is left selected for Ctrl+C. */
export async function copy(text: string, field: HTMLInputElement | null): Promise<boolean> {
  // Without https there is none, whatever the types say.
  const clipboard = navigator.clipboard as Clipboard | undefined;
  try {
    if (clipboard) {
      await clipboard.writeText(text);
      return true;
    }
  } catch {
    // Refused: the old way may still be open.
  }
  return field ? selected(field) : fromNowhere(text);
}

function selected(field: HTMLInputElement): boolean {
  field.focus();
  field.select();
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- the only way there is without https
  return document.execCommand('copy');
}

function fromNowhere(text: string): boolean {
  const field = document.createElement('input');
  field.value = text;
  field.style.position = 'fixed';
  field.style.opacity = '0';
  document.body.append(field);
  const done = selected(field);
  field.remove();
  return done;
}

/** Has the browser save it as a file. */
export function save(name: string, content: string, type: string): void {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => {
    URL.revokeObjectURL(url);
  }, 0);
}
