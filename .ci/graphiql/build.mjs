// Copies the packages' files into a folder, and refuses those that are not what the page expects.
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

const here = import.meta.dirname;
const folder = process.argv[2];
const assets = JSON.parse(readFileSync(join(here, '../../transport/graphiql/assets.json')));
mkdirSync(folder, { recursive: true });
let wrong = 0;
for (const { package: name, version, path, integrity } of assets) {
  const from = join(here, 'node_modules', name);
  const installed = JSON.parse(readFileSync(join(from, 'package.json'))).version;
  const found = 'sha384-' + createHash('sha384').update(readFileSync(join(from, path))).digest('base64');
  if (installed !== version || found !== integrity) {
    console.error(`${name}@${installed} ${path} is ${found}; the page expects ${name}@${version} ${integrity}`);
    wrong += 1;
    continue;
  }
  copyFileSync(join(from, path), join(folder, basename(path)));
}
console.log(`${assets.length - wrong} of ${assets.length} files are in ${folder}`);
process.exit(wrong === 0 ? 0 : 1);
