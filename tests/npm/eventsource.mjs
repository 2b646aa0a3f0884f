// Follows an event stream with npm's EventSource, N times at once, and writes a line for each event: node eventsource.mjs N URL COOKIE EVENT…
import { EventSource } from 'eventsource';

const [count, url, cookie, ...names] = process.argv.slice(2);
const withCookie = (address, init) => fetch(address, { ...init, headers: { ...init.headers, cookie } });

for (let number = 0; number < Number(count); number++) {
  const source = new EventSource(url, { fetch: withCookie });
  for (const name of names) source.addEventListener(name, event => process.stdout.write(`${number} ${name} ${event.lastEventId}\n`));
}

process.stdin.on('end', () => process.exit(0)).resume();
