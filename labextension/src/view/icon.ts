/** The icons: a flow with a gate, and a gate alone. */

import { LabIcon } from '@jupyterlab/ui-components';

export const flowsIcon = new LabIcon({
  name: 'jupyter-flows:flows',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <g class="jp-icon3 jp-icon-selectable" fill="#616161">
    <circle cx="5" cy="12" r="3"/><path d="M8 11h3v2H8zM13 11h3v2h-3z"/>
    <path d="M10.5 5h3v5h-3zM10.5 14h3v5h-3z"/><path d="M16 7.5l5.5 4.5-5.5 4.5z"/>
  </g>
</svg>`
});

export const gateIcon = new LabIcon({
  name: 'jupyter-flows:gate',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <g class="jp-icon3" fill="#616161">
    <path d="M8.5 5h2.5v14H8.5zM13 5h2.5v14H13z"/>
    <path d="M12 1.5A10.5 10.5 0 1 0 12 22.500 10.5 10.5 0 0 0 12 1.500zm0 2A8.500 8.500 0 1 1 12 20.500 8.500 8.500 0 0 1 12 3.500z"/>
  </g>
</svg>`
});
