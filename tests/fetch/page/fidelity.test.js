// Nobody can tell the replaced `fetch` from the native one: on every case both are run and compared, where nothing gets
// a token, and where the page's own origin does.

import { cases } from './cases/arguments.js';
import { aborts, responses, schemes } from './cases/answers.js';
import { bodies, headersOfAllKinds, methods } from './cases/sending.js';
import { crossing, members, redirects } from './cases/settings.js';
import { differences } from './compare.js';
import { after, engine, equal, harness, ok, signedIn, test } from './kit.js';

const GROUPS = {
  arguments: cases,
  methods,
  headers: headersOfAllKinds,
  bodies,
  redirects,
  crossing,
  members,
  responses,
  aborts,
  schemes,
};
const MODES = {
  'matching nothing': { options: { sameOrigin: false, attachTo: ['https://elsewhere.invalid'] }, attached: undefined },
  'attaching to the page’s origin': { options: {}, attached: (place) => place === 'own' },
};

for (const [mode, { options, attached }] of Object.entries(MODES)) {
  let count = 0;
  let differing = 0;
  for (const [group, list] of Object.entries(GROUPS)) {
    test(`fetch, ${mode}: ${group}`, async ({ note }) => {
      const auth = await signedIn(options);
      after(auth.intercept());
      const found = [];
      const known = new Map();
      for (const [name, run, { loose, differs } = {}] of list) {
        const why = attached && differs?.[engine];
        if (why) known.set(why, [...(known.get(why) ?? []), name]);
        const more = await differences([name, run, { loose: loose || why }], window.fetch, attached);
        count++;
        if (more.length) differing++;
        found.push(...more);
      }
      const sent = (await harness('seen', { key: '/wire' })).filter(({ place }) => place === 'own');
      const bearing = sent.filter(({ headers }) => /^Bearer (?!of-the-caller)/.test(headers.authorization ?? ''));
      // (Half of them are native.)
      if (!attached || group === 'schemes') equal(bearing.length, 0, 'requests with a token');
      else ok(bearing.length > sent.length / 4, `tokens on the way, not ${bearing.length} of ${sent.length}`);
      for (const [why, names] of known) note(`${why}; the wire of ${names.length} cases is not compared: ${names.join('; ')}`);
      if (found.length) throw { problems: found };
    });
  }
  test(`fetch, ${mode}: in all`, async ({ note }) => note(`${mode}: ${count} cases, ${differing} of them told apart`));
}
