/** The names of the commands. Each is about the current notebook, and the run that it shows. */

export const CommandIDs = {
  run: 'jupyter-flows:run',
  cancel: 'jupyter-flows:cancel',
  resume: 'jupyter-flows:resume',
  /** Scroll to the cell that the run is at, or waits at. */
  reveal: 'jupyter-flows:reveal'
} as const;
