// Runs npm's S3 server on loopback until its standard input ends: node s3rver.mjs PORT FOLDER
import S3rver from 's3rver';

const [port, directory] = process.argv.slice(2);
const server = new S3rver({ address: '127.0.0.1', port: Number(port), directory, silent: true });
await server.run();
process.stdin.on('end', () => process.exit(0)).resume();
