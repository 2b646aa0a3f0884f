// Holds answers against the API document: node openapi.mjs document.json exchanges.json
// exchanges: [{"method","path" (as in the document),"status","type","body"}]; prints what is not as the document says, as a JSON list.
import { readFileSync } from 'node:fs';
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

const [api, exchanges] = process.argv.slice(2).map((file) => JSON.parse(readFileSync(file, 'utf8')));

// A client has to bear members that it does not know; a test need not: whatever is answered is documented.
for (const schema of Object.values(api.components.schemas)) {
  if (schema.properties && schema.additionalProperties === undefined) schema.additionalProperties = false;
}

const ajv = addFormats(new Ajv2020({ strict: false, allErrors: true }));
ajv.addSchema({ ...api, $id: 'https://api.invalid/' });
const pointer = (...steps) => '#/' + steps.map((step) => encodeURIComponent(step.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/');
const validators = new Map();

function errors(reference, value) {
  if (!validators.has(reference)) validators.set(reference, ajv.compile({ $ref: 'https://api.invalid/' + reference }));
  const validate = validators.get(reference);
  return validate(value) ? [] : validate.errors.map((error) => `${error.instancePath} ${error.message} ${JSON.stringify(error.params)}`);
}

// The events of a stream, which may have been left in the middle of one.
function eventsOf(text) {
  return text.split('\n\n').slice(0, -1).map((block) => Object.fromEntries(
    block.split('\n').map((line) => /^(event|id|data): ?(.*)$/.exec(line)).filter(Boolean).map((match) => [match[1], match[2]])));
}

function check({ method, path, status, type, body }) {
  const steps = ['paths', path, method.toLowerCase(), 'responses', `${status}`];
  let response = api.paths[path][method.toLowerCase()].responses[status];
  if (!response) return ['the status is not documented'];
  let at = pointer(...steps);
  if (response.$ref) {
    at = response.$ref;
    response = api.components.responses[at.split('/').at(-1)];
  }
  if (!response.content) return body ? ['there is a body, and none is documented'] : [];
  const media = response.content[type];
  if (!media) return [`the type ${type} is not documented`];
  const schema = `${at}/${pointer('content', type, 'schema').slice(2)}`;
  if (type === 'text/event-stream') {
    const events = eventsOf(body);
    return events.length === 0 ? ['there is no event'] : [...errors(schema, events), ...events.flatMap((event) => {
      const form = media.schema.items.oneOf.find((one) => one.properties.event.const === event.event);
      return form ? errors(form.properties.data.contentSchema.$ref, JSON.parse(event.data)) : [];
    })];
  }
  return type.endsWith('json') ? errors(schema, JSON.parse(body)) : [];
}

console.log(JSON.stringify(exchanges.flatMap((exchange) =>
  check(exchange).map((problem) => `${exchange.method} ${exchange.path} ${exchange.status}: ${problem}`))));
