// Receives webhooks on loopback and verifies them with npm's standardwebhooks: node standardwebhooks.mjs PORT
// PUT / takes the secret; for each POST it writes "ok TYPE ID" or "refused REASON", and answers 204 or 401. Until its standard input ends.
import { createServer } from 'node:http';
import { Webhook } from 'standardwebhooks';

let secret;
createServer(async (request, response) => {
  let body = '';
  for await (const part of request) body += part;
  if (request.method === 'PUT') {
    secret = body;
    return response.writeHead(204).end();
  }
  try {
    const event = new Webhook(secret).verify(body, request.headers);
    process.stdout.write(`ok ${event.type} ${request.headers['webhook-id']}\n`);
    response.writeHead(204).end();
  } catch (error) {
    process.stdout.write(`refused ${error.message}\n`);
    response.writeHead(401).end();
  }
}).listen(Number(process.argv[2]), '127.0.0.1');

process.stdin.on('end', () => process.exit(0)).resume();
