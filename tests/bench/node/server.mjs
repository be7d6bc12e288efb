// What most people write: Redis pub/sub in, Server-Sent Events out, no replay. Prints its port when it serves.
// usage: node server.mjs REDIS_PORT
import http from "node:http";
import Redis from "ioredis";

const channels = new Map(); // name -> Set of responses
let number = 0;

function subscribe(name, response) {
  const subscribers = channels.get(name) ?? new Set();
  channels.set(name, subscribers.add(response));
  response.on("close", () => {
    subscribers.delete(response);
    if (subscribers.size === 0) channels.delete(name);
  });
}

const server = http.createServer((request, response) => {
  response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-cache" });
  response.write("retry: 2000\n\n");
  request.socket.setNoDelay(true);
  subscribe(request.url.slice("/events/".length), response);
});

const redis = new Redis(Number(process.argv[2]), "127.0.0.1");
redis.on("pmessage", (pattern, name, data) => {
  const subscribers = channels.get(name);
  if (subscribers === undefined) return;
  const event = `id: ${number++}\n` + data.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`).join("") + "\n";
  for (const response of subscribers) response.write(event);
});
await redis.psubscribe("bench.*");
server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () => console.log(server.address().port));
