// Follows the logs of the demo's first instance with each client, cuts the connection, and counts every line.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createClient as createSse } from "graphql-sse";
import { createClient as createWs } from "graphql-ws";
import WebSocket from "ws";
import { follow } from "./build/follow.js";

const { url, token } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const socketUrl = url.replace(/^http/, "ws");
const LINES = `subscription ($id: ID!, $filter: LogFilter) {
  instanceLogs(instanceId: $id, filter: $filter, tail: 1) {
    kind: __typename ... on LogBatch { lines { message } } ... on LogEnd { reason }
  }
}`;
const FILTER = { services: ["log-writer"], contains: "log-writer line" };
let passed = 0;

async function check(name, work) {
  await work();
  passed += 1;
  console.log(`${name}: ok`);
}

function inARow(numbers) {
  assert.ok(numbers.length > 3, `only ${numbers.length} lines`);
  numbers.forEach((number, at) => assert.equal(number, numbers[0] + at));
}

const numberOf = (message) => Number(message.split(" ").pop());

async function first(iterator, count) {
  const numbers = [];
  for await (const { data, errors } of iterator) {
    assert.equal(errors, undefined);
    for (const line of data.instanceLogs.lines ?? []) numbers.push(numberOf(line.message));
    if (numbers.length >= count) return numbers;
  }
  return numbers;
}

const ws = createWs({ url: socketUrl, connectionParams: { token }, webSocketImpl: WebSocket, retryAttempts: 0 });
const sse = createSse({ url, headers: { Authorization: `Bearer ${token}` }, retryAttempts: 0 });
const one = async (client, query, variables) => {
  for await (const answer of client.iterate({ query, variables })) return answer;
};
const { data } = await one(ws, "{ instances(first: 1) { nodes { id } } tasks(first: 1) { nodes { id } } }");
const id = data.instances.nodes[0].id;

for (const [name, client] of Object.entries({ "graphql-ws": ws, "graphql-sse": sse })) {
  await check(`${name} asks`, async () => {
    const answer = await one(client, "{ viewer { id } }");
    assert.match(answer.data.viewer.id, /^usr_/);
  });
  await check(`${name} follows logs`, async () => {
    inARow(await first(client.iterate({ query: LINES, variables: { id, filter: FILTER } }), 8));
  });
  await check(`${name} follows a task to its end, which completes the stream`, async () => {
    const kinds = [];
    const query = "subscription ($id: ID!) { taskEvents(id: $id) { kind: __typename } }";
    for await (const answer of client.iterate({ query, variables: { id: data.tasks.nodes[0].id } })) {
      kinds.push(answer.data.taskEvents.kind);
    }
    assert.equal(kinds[0], "TaskSnapshot");
  });
  await check(`${name} is told why it may not`, async () => {
    let told = "";
    try {
      const answer = await one(client, LINES, { id: "ins_nope", filter: null });
      told = JSON.stringify(answer.errors);
    } catch (errors) {
      told = JSON.stringify(errors);
    }
    assert.match(told, /NOT_FOUND/);
  });
}

await check("docs/live.md goes on behind its cursor, whatever is cut", async () => {
  const numbers = [];
  const sockets = new Set();
  class Cut extends WebSocket {
    constructor(...given) {
      super(...given);
      sockets.add(this);
    }
  }
  const end = new AbortController();
  let cuts = 0;
  await follow(socketUrl, token, id, FILTER, {
    line: (line) => {
      numbers.push(numberOf(line.message));
      if (numbers.length % 10 === 0 && cuts < 5) {
        cuts += 1;
        for (const socket of sockets) socket.terminate();
        sockets.clear();
      }
      if (numbers.length >= 70) end.abort();
    },
    gap: (text) => assert.fail(text),
  }, { signal: end.signal, webSocketImpl: Cut, pause: 20 });
  assert.equal(cuts, 5);
  inARow(numbers);
});

await ws.dispose();
sse.dispose();
console.log(`${passed} of ${passed} checks are ok`);
