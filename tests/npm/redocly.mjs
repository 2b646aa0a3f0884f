// Redocly's command, for instance: node redocly.mjs lint document.json --config redocly.yaml
await import('./node_modules/@redocly/cli/bin/cli.js');
