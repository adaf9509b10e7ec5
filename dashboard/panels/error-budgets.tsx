import { plain } from '../format/number.js';
import { budgets, type Budget } from '../store/budgets.js';
import { Lesson } from './lesson.js';
import { Panel } from './panel.js';

const words: Readonly<Record<Budget['status'], string>> = { good: 'Good', warning: 'Burning', critical: 'Burning fast', breached: 'Spent', no_data: 'No traffic' };
const tones: Readonly<Record<Budget['status'], string>> = { good: 'calm', warning: 'notable', critical: 'serious', breached: 'serious', no_data: 'slight' };

/** What is left of each error budget, and how fast it goes. */
export function ErrorBudgets() {
  const all = budgets.value;
  const silent = all?.every(({ status }) => status === 'no_data') === true;
  return (
    <Panel id="budgets" title="Error budgets">
      {all === undefined && <p class="none">Asking the server …</p>}
      {all?.length === 0 && <Lesson>No objective is set. Add an operator of type burn-rate with a file of objectives to the graph.</Lesson>}
      {all !== undefined && all.length > 0 && (
        <ul class="budgets" role="list">
          {all.map((budget) => (
            <BudgetItem key={budget.name} budget={budget} />
          ))}
        </ul>
      )}
      {all !== undefined && all.length > 0 && silent && (
        <Lesson command={`curl ${location.origin}/api/sli-measurements -d '{"sli_name":"api_success_rate","value":0.999}'`}>Nothing has been counted for any objective yet. Send a measurement; it is shown within a minute:</Lesson>
      )}
    </Panel>
  );
}

function BudgetItem({ budget }: { readonly budget: Budget }) {
  const { name, status } = budget;
  return (
    <li class={`budget ${tones[status]}`}>
      <p class="budget-head">
        <strong id={`budget-${name}`}>{name}</strong>
        <span class={`tag ${tones[status]}`}>{words[status]}</span>
      </p>
      {status !== 'no_data' && <Spending budget={budget} />}
    </li>
  );
}

function Spending({ budget: { name, remaining, burnRate, compliance, target } }: { readonly budget: Budget }) {
  const left = Math.max(0, Math.min(100, remaining));
  return (
    <>
      <div class="bar" role="meter" aria-labelledby={`budget-${name}`} aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.round(left)} aria-valuetext={remainingText(remaining)}>
        <span style={{ width: `${left}%` }} />
      </div>
      <dl class="numbers">
        <div>
          <dt>Budget left</dt>
          <dd>{remainingText(remaining)}</dd>
        </div>
        <div>
          <dt>Burn rate</dt>
          <dd>{plain(burnRate)}×</dd>
        </div>
        <div>
          <dt>Good, of {plain(target)} %</dt>
          <dd>{Number(compliance.toFixed(3))} %</dd>
        </div>
      </dl>
    </>
  );
}

function remainingText(remaining: number): string {
  return remaining >= 0 ? `${plain(remaining)} %` : `overspent ${plain(1 - remaining / 100)}×`;
}
