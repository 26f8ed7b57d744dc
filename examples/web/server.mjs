// Answers every request with its instance, its process and how often it was asked.
import { createServer } from "node:http";

const { PORT = "18080", INSTANCE = "?" } = process.env;
let requests = 0;

const server = createServer((request, response) => {
  requests++;
  response.setHeader("content-type", "application/json");
  response.end(`${JSON.stringify({ instance: INSTANCE, pid: process.pid, requests })}\n`);
  console.log(`${request.method} ${request.url}`);
});

server.listen(Number(PORT), "127.0.0.1", () => console.log(`web@${INSTANCE} listens on ${PORT}`));

process.once("SIGTERM", () => {
  console.log("stopping");
  server.close();
  server.closeAllConnections();
});
