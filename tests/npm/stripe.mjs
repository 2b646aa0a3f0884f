// Plays one step with Stripe's own client and prints what came of it (a list of args plays it for each): node stripe.mjs STEP '{"port":…,"apiKey":…,…}'
import Stripe from 'stripe';

const [step, json] = process.argv.slice(2);
const { port, apiKey, args = {} } = JSON.parse(json);
const stripe = new Stripe(apiKey, { host: '127.0.0.1', port, protocol: 'http', maxNetworkRetries: args.retries ?? 0, timeout: 20000 });

const session = (overrides = {}) => ({
  mode: 'payment',
  line_items: [{ price_data: { currency: 'usd', unit_amount: 2500, product_data: { name: 'Value pack' } }, quantity: 1 }],
  client_reference_id: 'order-1',
  metadata: { order: 'order-1' },
  payment_intent_data: { metadata: { order: 'order-1' } },
  success_url: 'http://localhost:8080/done?session={CHECKOUT_SESSION_ID}',
  cancel_url: 'http://localhost:8080/plans',
  ...overrides,
});

const steps = {
  create: async ({ session: overrides, key }) => ({
    session: await stripe.checkout.sessions.create(session(overrides), key ? { idempotencyKey: key } : {}),
  }),
  async createTwice(args) {
    const first = await stripe.checkout.sessions.create(session(), { idempotencyKey: args.key });
    const second = await stripe.checkout.sessions.create(session(), { idempotencyKey: args.key });
    return { first: first.id, second: second.id, replayed: second.lastResponse.headers['idempotent-replayed'] };
  },
  retrieve: async (args) => ({ session: await stripe.checkout.sessions.retrieve(args.id, { expand: ['line_items', 'payment_intent.latest_charge.refunds'] }) }),
  expire: async (args) => ({ session: await stripe.checkout.sessions.expire(args.id) }),
  intent: async (args) => ({ intent: await stripe.paymentIntents.retrieve(args.id, { expand: ['latest_charge.refunds'] }) }),
  refund: async (args) => ({ refund: await stripe.refunds.create(args) }),
  async disputes(args) {
    return { disputes: (await stripe.disputes.list({ payment_intent: args.intent })).data };
  },
  closeDispute: async (args) => ({ dispute: await stripe.disputes.close(args.id) }),
  async page(args) {
    const ids = [];
    for await (const event of stripe.events.list({ limit: args.limit, types: args.types, created: { gte: args.since } })) {
      ids.push(event.id);
    }
    return { ids };
  },
  async price() {
    const product = await stripe.products.create({ name: 'Quick pack' });
    const price = await stripe.prices.create({ product: product.id, currency: 'usd', unit_amount: 900 });
    const created = await stripe.checkout.sessions.create(session({ line_items: [{ price: price.id, quantity: 2 }] }));
    return { session: created };
  },
  sign: async ({ payload, secret, timestamp }) => ({ header: stripe.webhooks.generateTestHeaderString({ payload, secret, timestamp }) }),
  construct: async (args) => ({ type: stripe.webhooks.constructEvent(args.payload, args.signature, args.secret).type }),
};

const play = async (input) => steps[step](input).catch((error) => ({
  error: {
    class: error.constructor.name,
    type: error.rawType ?? error.type,
    status: error.statusCode,
    code: error.code,
    param: error.param,
    message: error.message,
    requestId: error.requestId,
  },
}));

if (Array.isArray(args)) {
  const results = [];
  for (const one of args) results.push(await play(one));
  console.log(JSON.stringify(results));
} else {
  console.log(JSON.stringify(await play(args)));
}
