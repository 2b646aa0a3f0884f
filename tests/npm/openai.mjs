// Plays one step with OpenAI's own client and prints what came of it (a list of params plays it for each): node openai.mjs STEP '{"baseURL":…,"apiKey":…,…}'
import fs from 'node:fs';
import OpenAI, { toFile } from 'openai';

const [step, json] = process.argv.slice(2);
const { baseURL, apiKey, maxRetries = 0, timeout = 20000, photo, photoType = 'image/jpeg', params = {} } = JSON.parse(json);
const client = new OpenAI({ baseURL, apiKey, maxRetries, timeout });

const image = async () => toFile(fs.createReadStream(photo), 'room.jpg', { type: photoType });

const steps = {
  async edit(params) {
    const { data, response } = await client.images.edit({ image: await image(), prompt: 'a room', ...params }).withResponse();
    return { answer: data, headers: Object.fromEntries(response.headers) };
  },
  async editSeveral(params) {
    return { answer: await client.images.edit({ image: [await image(), await image()], prompt: 'a room', ...params }) };
  },
  async stream(params) {
    const events = [];
    for await (const event of await client.images.edit({ image: await image(), prompt: 'a room', stream: true, ...params })) {
      events.push({ ...event, b64_json: event.b64_json.length });
    }
    return { events };
  },
  async look(params) {
    const url = `data:image/jpeg;base64,${fs.readFileSync(photo).toString('base64')}`;
    const answer = await client.chat.completions.parse({
      messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }],
      ...params,
    });
    return { answer };
  },
};

const play = async (input) => steps[step](input).catch((error) => ({
  error: {
    class: error.constructor.name,
    status: error.status,
    code: error.code,
    param: error.param,
    type: error.type,
    message: error.message,
    requestId: error.requestID,
    retryAfter: error.headers?.get('retry-after'),
  },
}));

if (Array.isArray(params)) {
  const results = [];
  for (const one of params) results.push(await play(one));
  console.log(JSON.stringify(results));
} else {
  console.log(JSON.stringify(await play(params)));
}
