import { freshness } from './app.js';
import { Alerts } from './panels/alerts.js';
import { Anomalies } from './panels/anomalies.js';
import { Capacity } from './panels/capacity.js';
import { Charts } from './panels/charts.js';
import { ErrorBudgets } from './panels/error-budgets.js';
import { Header, StaleBanner } from './panels/header.js';
import { VerdictLine } from './panels/verdict-line.js';

/** The order is that of reading, and of a narrow screen: is it bad, what fires, what does it look like, what lies ahead. */
export function Page() {
  const state = freshness.value.state;
  return (
    <>
      <a class="skip" href="#content">
        Skip to the content
      </a>
      <Header />
      <StaleBanner />
      <main id="content" class={state}>
        <VerdictLine />
        <div class="happening">
          <Alerts />
          <Anomalies />
        </div>
        <Charts />
        <div class="ahead">
          <ErrorBudgets />
          <Capacity />
        </div>
      </main>
      <footer>
        <p>
          Times are of this browser ({Intl.DateTimeFormat().resolvedOptions().timeZone}). The same as JSON: <a href="/api/openapi.json">API</a>, <a href="/health">health</a>, <a href="/metrics">metrics</a>.
        </p>
      </footer>
    </>
  );
}
