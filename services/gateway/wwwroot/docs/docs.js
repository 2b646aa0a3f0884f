// Shows /openapi/v1.json to people. Every text goes in as text, never as markup.

const Methods = ['get', 'post', 'put', 'patch', 'delete'];
const Deepest = 5;

const answer = await fetch('/openapi/v1.json').catch(() => null);
if (answer?.ok) {
  show(await answer.json());
} else {
  document.getElementById('operations').replaceChildren(element('p', { role: 'alert' }, 'The document cannot be read right now. Load this page again in a minute.'));
}

function show(api) {
  const resolve = node => (node?.$ref ? { ...resolve(at(api, node.$ref)), ...without(node, '$ref') } : node);
  const operations = Object.entries(api.paths).flatMap(([path, item]) =>
    Methods.filter(method => item[method]).map(method => ({ method, path, ...item[method] })));

  document.getElementById('overview').append(...prose(api.info.description));
  const sections = api.tags.map(tag => ({ ...tag, operations: operations.filter(operation => operation.tags.includes(tag.name)) }));
  document.getElementById('contents').replaceChildren(...sections.map(contents));
  document.getElementById('operations').replaceChildren(...sections.map(section =>
    element('section', { class: 'part' }, element('h2', {}, section.name), ...prose(section.description), ...section.operations.map(operation => card(operation, api, resolve)))));
  document.getElementById('search').addEventListener('input', event => filter(event.target.value));
  if (location.hash.length > 1)
    document.getElementById(location.hash.slice(1))?.scrollIntoView();
}

function contents(section) {
  return element('div', { class: 'group' }, element('h2', {}, section.name), element('ul', {}, ...section.operations.map(operation =>
    element('li', { 'data-words': words(operation) }, element('a', { href: '#' + operation.operationId }, badge(operation.method), element('span', {}, operation.summary))))));
}

function card(operation, api, resolve) {
  const parameters = (operation.parameters ?? []).map(resolve);
  return element('article', { class: 'card', id: operation.operationId, 'data-words': words(operation) },
    element('h3', {}, element('a', { href: '#' + operation.operationId }, operation.summary)),
    element('p', { class: 'where' }, badge(operation.method), ' ', element('code', {}, breakable(operation.path))),
    ...prose(operation.description),
    element('p', { class: 'who' }, ...callers(operation)),
    ...part('Parameters', parameters.length > 0 && list(parameters.map(parameter =>
      row(parameter.name, `${typeOf(parameter.schema, resolve)} in ${parameter.in}`, parameter.required, parameter.description, null)))),
    ...part('Body', operation.requestBody && forms(resolve(operation.requestBody).content, resolve)),
    ...part('Answers', element('div', { class: 'answers' }, ...Object.entries(operation.responses).map(([status, response]) => reply(status, resolve(response), resolve)))),
    ...part('Try it', element('pre', { tabindex: '0' }, element('code', {}, curl(operation, resolve)))));
}

function callers(operation) {
  const names = { session: 'session', apiKey: 'API key', accessToken: 'access token', stripeSignature: "Stripe's signature" };
  if (operation.security.length === 0)
    return [element('span', { class: 'chip' }, 'anybody')];
  return operation.security.map(one => {
    const [name, scopes] = Object.entries(one)[0] ?? [];
    return element('span', { class: 'chip' }, name ? names[name] + (scopes.length ? ` with ${scopes.join(', ')}` : '') : 'or nobody');
  });
}

function reply(status, response, resolve) {
  const refusal = status >= '4';
  const headers = Object.entries(response.headers ?? {}).map(([name, header]) => row(name, 'header', true, resolve(header).description, null));
  const content = response.content ? forms(response.content, resolve, refusal) : null;
  const details = element('details', {}, element('summary', {}, element('b', { class: 'code s' + status[0] }, status), element('span', {}, ...inline(response.description))),
    ...(content ? [content] : []), ...(headers.length ? [list(headers)] : []));
  if (!content && headers.length === 0)
    details.classList.add('plain-reply');
  return details;
}

function forms(content, resolve, refusal = false) {
  const all = Object.entries(content);
  const files = all.filter(([, media]) => resolve(media.schema)?.contentMediaType).map(([type]) => type);
  return element('div', { class: 'forms' }, ...(files.length ? [element('p', { class: 'small' }, `the bytes, as ${files.join(', ')}`)] : []), ...all.filter(([type]) => !files.includes(type)).map(([type, media]) => {
    // Every refusal has the same form: its codes are said beside the status, its members once.
    const schema = refusal ? null : resolve(media.schema);
    return element('div', {}, element('p', { class: 'small' }, type),
      ...(schema ? [tree(schema, resolve, 0)] : []),
      ...(media.example ? [element('pre', { tabindex: '0' }, element('code', {}, JSON.stringify(media.example, null, 2)))] : []));
  }));
}

function tree(given, resolve, depth) {
  const schema = plain(resolve(given), resolve);
  if (schema.type === 'array' || schema.items)
    return tree(schema.items, resolve, depth);
  if (schema.oneOf) {
    return list(schema.oneOf.map(resolve).map(one => {
      const data = one.properties?.data?.contentSchema;
      return row(one.properties?.event?.const ?? typeOf(one, resolve), data ? 'event' : '', true, one.description, data && depth < Deepest ? tree(data, resolve, depth + 1) : null);
    }));
  }
  if (!schema.properties)
    return element('p', { class: 'small' }, typeOf(schema, resolve));
  return list(Object.entries(schema.properties).map(([name, property]) => {
    const member = plain(resolve(property), resolve);
    const inner = member.type === 'array' || member.items ? plain(resolve(member.items ?? {}), resolve) : member;
    const below = inner.properties && depth < Deepest ? tree(inner, resolve, depth + 1) : null;
    return row(name, typeOf(property, resolve), schema.required?.includes(name), property.description ?? member.description, below, inner.enum);
  }));
}

// A schema that may also be null, without the null.
function plain(schema, resolve) {
  const parts = (schema.oneOf ?? schema.anyOf ?? []).filter(part => part.type !== 'null');
  return parts.length === 1 ? resolve(parts[0]) : schema;
}

function typeOf(given, resolve) {
  const whole = resolve(given ?? {});
  const schema = plain(whole, resolve);
  const nullable = whole !== schema || (Array.isArray(schema.type) && schema.type.includes('null'));
  const type = Array.isArray(schema.type) ? schema.type.find(one => one !== 'null') : schema.type;
  const name = type === 'array' ? `list of ${typeOf(schema.items, resolve)}`
    : schema.contentMediaType && !schema.contentSchema ? 'bytes'
    : schema.format && type === 'string' ? { uuid: 'UUID', 'date-time': 'time (RFC 3339)' }[schema.format] ?? schema.format
    : { integer: 'whole number', boolean: 'true or false', string: 'text', object: 'object' }[type] ?? type ?? 'anything';
  return nullable ? `${name} or null` : name;
}

function row(name, type, required, description, below, choices) {
  return [
    element('dt', {}, element('code', {}, breakable(name)), ' ', element('span', { class: 'type' }, type), ...(required ? [] : [element('span', { class: 'type' }, ' · optional')])),
    element('dd', {}, ...(description ? [element('p', {}, ...inline(description))] : []),
      ...(choices ? [element('p', { class: 'choices-of' }, ...choices.map(choice => element('code', {}, String(choice))))] : []),
      ...(below ? [element('details', {}, element('summary', {}, 'Members'), below)] : [])),
  ];
}

function curl(operation, resolve) {
  const path = operation.path.replaceAll(/\{(\w+)\}/g, (_, name) => '$' + name.replaceAll(/([A-Z])/g, '_$1').toUpperCase());
  const lines = [`curl ${operation.method === 'get' ? '' : `-X ${operation.method.toUpperCase()} `}"${location.origin}${path}"`];
  const program = operation.security.some(one => one.apiKey);
  if (program)
    lines.push('-H "Authorization: Bearer $HOMESTAGE_KEY"');
  else if (operation.security.some(one => one.session))
    lines.push('-b "__Host-homestage=$SESSION"', ...(operation.method === 'get' ? [] : [`-H "Origin: ${location.origin}"`]));
  if ((operation.parameters ?? []).map(resolve).some(parameter => parameter.name === 'Idempotency-Key'))
    lines.push('-H "Idempotency-Key: $(uuidgen)"');
  const content = Object.entries(resolve(operation.requestBody)?.content ?? {})[0];
  if (content?.[0] === 'application/json')
    lines.push('-H "Content-Type: application/json"', `-d '${JSON.stringify(content[1].example ?? {})}'`);
  else if (content)
    lines.push(`-H "Content-Type: ${content[0]}"`, '--data-binary @room.jpg');
  if (operation.responses['200']?.content?.['text/event-stream'])
    lines.push('-N');
  return lines.join(' \\\n  ');
}

function filter(text) {
  const wanted = text.toLowerCase().split(/\s+/).filter(Boolean);
  for (const item of document.querySelectorAll('[data-words]'))
    item.hidden = !wanted.every(word => item.dataset.words.includes(word));
  for (const group of document.querySelectorAll('.group, .part'))
    group.hidden = !group.querySelector('[data-words]:not([hidden])');
}

function words(operation) {
  return [operation.method, operation.path, operation.summary, operation.operationId, ...operation.tags].join(' ').toLowerCase();
}

function part(title, content) {
  return content ? [element('h4', {}, title), content] : [];
}

function list(rows) {
  return element('dl', {}, ...rows.flat());
}

function badge(method) {
  return element('b', { class: 'method ' + method }, method.toUpperCase());
}

// Paths and names may break where a person would break them.
function breakable(text) {
  const fragment = document.createDocumentFragment();
  for (const piece of text.split(/(?<=[/\-_])/))
    fragment.append(piece, document.createElement('wbr'));
  return fragment;
}

function prose(text) {
  return (text ?? '').split(/\n\s*\n/).filter(Boolean).map(paragraph => element('p', {}, ...inline(paragraph)));
}

function inline(text) {
  return (text ?? '').split(/(`[^`]+`|\*\*[^*]+\*\*)/).filter(Boolean).map(piece =>
    piece.startsWith('`') ? element('code', {}, breakable(piece.slice(1, -1))) : piece.startsWith('**') ? element('strong', {}, piece.slice(2, -2)) : piece);
}

function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes))
    made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function at(root, pointer) {
  return pointer.slice(2).split('/').reduce((node, step) => node[step.replaceAll('~1', '/').replaceAll('~0', '~')], root);
}

function without(object, key) {
  const { [key]: _, ...rest } = object;
  return rest;
}
