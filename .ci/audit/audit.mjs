// The audits of graphql-http against a running endpoint: every one must be ok.
//   node audit.mjs URL TOKEN
import { serverAudits } from 'graphql-http';

const [url, token] = process.argv.slice(2);
if (!url || !token) {
  console.error('usage: node audit.mjs URL TOKEN');
  process.exit(2);
}
const EXPECTED = 61;

const asViewer = (address, init = {}) =>
  fetch(address, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } });

const audits = serverAudits({ url, fetchFn: asViewer });
let failed = 0;
for (const audit of audits) {
  const result = await audit.fn();
  if (result.status !== 'ok') {
    failed += 1;
    const response = result.response;
    const seen = response ? ` [${response.status} ${response.headers.get('content-type')}]` : '';
    console.log(`${result.status} ${audit.id} ${audit.name}: ${result.reason}${seen}`);
  }
}
console.log(`${audits.length - failed} of ${audits.length} audits are ok`);
process.exit(failed === 0 && audits.length === EXPECTED ? 0 : 1);
