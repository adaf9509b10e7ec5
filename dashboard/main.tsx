import { render } from 'preact';
import 'uplot/dist/uPlot.min.css';
import './styles/tokens.css';
import './styles/page.css';
import './styles/panels.css';
import './styles/charts.css';
import { start } from './app.js';
import { Page } from './page.js';

const root = document.querySelector('#page')!;
root.replaceChildren();
render(<Page />, root);
start();
