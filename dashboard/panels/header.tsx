import { paused, range, ranges } from '../charts/view.js';
import { connection, freshness, past } from '../app.js';
import { now } from '../clock.js';
import { formatLength } from '../format/time.js';
import { theme, toggleTheme } from '../theme.js';
import { Icon, Logo } from './icons.js';

/** Name, state of the connection, and how much of the past is shown. */
export function Header() {
  return (
    <header class="top">
      <h1>
        <Logo />
        Millrace
      </h1>
      <LinkState />
      <RangePicker />
      <ThemeToggle />
    </header>
  );
}

function LinkState() {
  const link = connection.link.value;
  const fresh = freshness.value;
  const state = fresh.state === 'fresh' && paused.value ? 'paused' : fresh.state === 'fresh' ? 'live' : fresh.state === 'waiting' ? link.state : fresh.state;
  return (
    <p class={`link ${state}`} role="status" data-link={link.state} data-state={state} title={state === 'paused' ? 'The charts stand still while you point at one' : undefined}>
      <span class="dot" aria-hidden="true" />
      {wordOf(state)}
    </p>
  );
}

function wordOf(state: string): string {
  switch (state) {
    case 'live':
      return 'Live';
    case 'paused':
      return 'Paused';
    case 'quiet':
      return 'No data';
    case 'stale':
      return 'Offline';
    case 'reconnecting':
      return 'Reconnecting';
    default:
      return 'Connecting';
  }
}

/** Said loudly: what is below is old. */
export function StaleBanner() {
  const fresh = freshness.value;
  const link = connection.link.value;
  const refusal = connection.refusal.value;
  if (refusal !== undefined) {
    return (
      <p class="banner notable" role="alert">
        The server refuses a part of what this page shows: {refusal}
      </p>
    );
  }
  if (fresh.state !== 'stale' && fresh.state !== 'quiet') return null;
  const age = formatLength(now.value - fresh.since);
  if (fresh.state === 'quiet') {
    return (
      <p class="banner notable">
        <strong>No data for {age}.</strong> The connection stands, but the sources send nothing.
      </p>
    );
  }
  const wait = link.state === 'reconnecting' && link.retryAt !== undefined ? Math.max(0, Math.ceil((link.retryAt - Date.now()) / 1000)) : 0;
  return (
    <p class="banner stale">
      <strong>Everything below is {age} old.</strong> The server cannot be reached{link.state === 'reconnecting' && link.attempt > 2 ? ` (${link.attempt} attempts)` : ''};{' '}
      {wait > 0 ? `next attempt in ${wait}\u202fs.` : 'trying now.'}{' '}
      <button type="button" onClick={() => connection.connect()}>
        Try now
      </button>
    </p>
  );
}

function RangePicker() {
  const failure = past.failure.value;
  return (
    <fieldset class="ranges" aria-busy={past.loading.value > 0}>
      <legend class="unseen">Range of the charts</legend>
      {ranges.map((each) => (
        <label key={each.name} title={`the last ${each.label}`}>
          <input type="radio" name="range" value={each.name} checked={range.value === each} onChange={() => (range.value = each)} />
          <span>{each.name.replace('m', '\u202fm').replace('h', '\u202fh')}</span>
        </label>
      ))}
      {failure !== undefined && <span class="failure">The past cannot be read: {failure}</span>}
    </fieldset>
  );
}

function ThemeToggle() {
  const dark = theme.value === 'dark';
  return (
    <button type="button" class="theme" onClick={toggleTheme} aria-label={dark ? 'Light theme' : 'Dark theme'} title={dark ? 'Light theme' : 'Dark theme'}>
      <Icon name={dark ? 'sun' : 'moon'} />
    </button>
  );
}

