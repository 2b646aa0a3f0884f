// Grades answers that were received elsewhere with MDN's HTTP Observatory: node observatory.mjs '{"host":…,"page":{status,headers,body},"cors":{…},"redirects":[{"url":…,"status":…}]}'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AxiosHeaders } from 'axios';
import { ALL_TESTS } from '@mdn/mdn-http-observatory/src/constants.js';
import { MINIMUM_SCORE_FOR_EXTRA_CREDIT } from '@mdn/mdn-http-observatory/src/grader/charts.js';
import { getGradeForScore, getScoreModifier } from '@mdn/mdn-http-observatory/src/grader/grader.js';
import { Session } from '@mdn/mdn-http-observatory/src/retriever/session.js';
import { parseHttpEquivHeaders } from '@mdn/mdn-http-observatory/src/retriever/utils.js';
import { Requests } from '@mdn/mdn-http-observatory/src/types.js';

// package.json puts a small package in the place of what the Observatory's own web server and database need and its grader does not.
// The package downloads the browsers' preload list when it is installed with its scripts; the host here is not in it.
const preloads = fileURLToPath(new URL('../conf/hsts-preload.json', import.meta.resolve('@mdn/mdn-http-observatory')));
if (!existsSync(preloads)) {
  mkdirSync(dirname(preloads), { recursive: true });
  writeFileSync(preloads, '{}');
}

const { host, page, cors, redirects } = JSON.parse(process.argv[2]);

const response = ({ status, headers, body }) => ({
  headers: AxiosHeaders.from(headers),
  request: { headers: new AxiosHeaders() },
  status,
  statusText: '',
  verified: true,
  data: body,
  config: { headers: new AxiosHeaders() },
});

const requests = new Requests(host);
requests.session = new Session(new URL(`https://${host}/`));
requests.resources.path = page.body;
requests.responses.auto = { ...response(page), httpEquiv: parseHttpEquivHeaders(page.body, `https://${host}/`) };
requests.responses.http = response(page);
requests.responses.https = response(page);
requests.responses.cors = response(cors);
requests.responses.httpRedirects = redirects.map(({ url, status }) => ({ url: new URL(url), status }));
requests.responses.httpsRedirects = [requests.responses.httpRedirects.at(-1)];

const results = ALL_TESTS.map((test) => test(requests)).map((output) => ({
  test: output.constructor.name,
  result: output.result,
  pass: output.pass,
  modifier: getScoreModifier(output.result),
}));
const without = 100 + results.reduce((sum, { modifier }) => sum + Math.min(0, modifier), 0);
const extra = 100 + results.reduce((sum, { modifier }) => sum + modifier, 0);
console.log(JSON.stringify({ ...getGradeForScore(without >= MINIMUM_SCORE_FOR_EXTRA_CREDIT ? extra : without), results }));
process.exit(0);
