// A daemon to be killed by test/daemon.test.ts: starts units and says where they are.
const options = JSON.parse(process.argv[2]);
const { createRuntime } = await import(options.module);
const runtime = await createRuntime(options);
const sandbox = await runtime.create({
  id: "victim.service",
  notify: true,
  ...(options.rootDirectory ? { rootDirectory: options.rootDirectory } : {}),
});
if (options.note) runtime.note("n", options.note);
if (options.hold) runtime.hold(options.hold);
let output = "";
sandbox.onOutput = ({ data }) => {
  output += Buffer.from(data).toString();
  if (output.endsWith("ready\n")) {
    void sandbox.pids().then((pids) => {
      console.log(JSON.stringify({ helper: runtime.helperPid, pids }));
    });
  }
};
await sandbox.exec({
  path: "/bin/sh",
  argv: ["sh", "-c", options.script],
  environment: { NOTIFY_SOCKET: sandbox.notifySocket },
  tag: "main",
});
