import { mkdtemp } from "node:fs/promises";
import { createRuntime } from "@flotilla/container";

const runtime = await createRuntime({ directory: await mkdtemp("/tmp/example-") });
const sandbox = await runtime.create({ id: "hello.service", notify: false, tasksMax: 20 });
sandbox.onOutput = ({ stream, data }) => console.log(stream, Buffer.from(data).toString().trim());
const hello = await sandbox.exec({ path: "echo", argv: ["echo", "hello"], environment: {} });
console.log(await hello.exited); // { type: "exited", code: 0 }
await sandbox.delete();
await runtime[Symbol.asyncDispose]();
