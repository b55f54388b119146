// Crashes an engine while it hears an answer, and prints what came of it. Run by engine.test.mjs.
import { fragile } from './support.mjs';

const uncaught = [];
for (const event of ['uncaughtException', 'unhandledRejection']) process.on(event, ({ name }) => uncaught.push(name));
const ends = [];
const { api, auth, deaths, ...engine } = await fragile({ after: (end) => ends.push(end) });
const hanging = new Promise((resolve) => api.on.set('/refresh', resolve));
const failed = auth.refresh({ force: true }).catch(({ code }) => code);
const late = await hanging;
engine.break();
api.refresh(late);
const code = await failed;
const { status } = await auth.fetch(`${api.url}/a`);
console.log(JSON.stringify({ code, deaths: deaths.length, uncaught, status }));
for (const end of ends.reverse()) end();
