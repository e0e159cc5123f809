// Subscribe to earwitnessd, check every event by its schema, and notice what was lost.
//
//     earwitness schema events > events.json
//     node subscriber.mjs ipc:///run/earwitness/events events.json [TOPIC]...

import { readFileSync } from "node:fs";
import Ajv from "ajv/dist/2020.js";
import { Subscriber } from "zeromq";

const [endpoint, schemaFile, ...topics] = process.argv.slice(2);
const schema = JSON.parse(readFileSync(schemaFile, "utf8"));
const valid = new Ajv({ strict: false, validateFormats: false }).compile(schema);
const known = new Set(schema.oneOf.map(({ $ref }) => $ref.replace("#/$defs/", "")));

let boot;
const last = new Map(); // the highest topic_seq heard, by topic

// How many events of this topic were lost before this one; null: we have seen it.
function lostBefore(topic, event) {
  if (event.boot !== boot) {
    boot = event.boot; // another start of the daemon: all counters begin again
    last.clear();
  }
  const previous = last.get(topic) ?? event.topic_seq - 1;
  if (event.topic_seq <= previous) return null;
  last.set(topic, event.topic_seq);
  return event.topic_seq - previous - 1;
}

const socket = new Subscriber();
socket.connect(endpoint);
socket.subscribe(...(topics.length ? topics : [""]));

for await (const [topicFrame, body] of socket) {
  const topic = topicFrame.toString();
  const event = JSON.parse(body.toString());
  if (!valid(event)) {
    console.log(`invalid ${topic}`);
    continue;
  }
  const lost = lostBefore(topic, event);
  if (lost === null) continue; // a last value, said again because somebody else subscribed
  if (lost > 0) console.log(`gap ${topic} ${lost}`);
  if (event.v === 1 && known.has(event.type)) {
    console.log(`event ${topic} ${event.seq}`);
  } else {
    console.log(`skipped ${event.type}`); // of a newer daemon
  }
}
