import { createRequire } from "node:module";
import { Command } from "commander";
import { ApiClient } from "./client/api-client.js";
import { parseEndpoints } from "./client/endpoints.js";
import { bringTo, takeTo } from "./commands/desire.js";
import { destroy } from "./commands/destroy.js";
import { cat, cluster, explain, journal, status } from "./commands/inspect.js";
import { kvDelete, kvGet, kvPut, kvWatch } from "./commands/kv.js";
import { listMachines, listServices, listUnitFiles, listUnits } from "./commands/lists.js";
import { raftInspect } from "./commands/raft/inspect.js";
import { raftVerify } from "./commands/raft/verify.js";
import { restart } from "./commands/restart.js";
import { superviseCommand } from "./commands/supervise/index.js";
import { unitsCommand } from "./commands/units/index.js";
import type { Context } from "./context.js";
import { CliError } from "./errors.js";

type Environment = Readonly<Record<string, string | undefined>>;

interface GlobalOptions {
  readonly endpoint?: string;
  readonly requestTimeout: string;
}

const { version } = createRequire(import.meta.url)("@flotilla/cli/package.json") as {
  version: string;
};

/** The whole command line. fleetctl's verbs come first, with its flags and its output. */
export function createProgram(environment: Environment): Command {
  const program = new Command("flotilla")
    .description("the command line of a Flotilla cluster")
    .version(version)
    .option(
      "--endpoint <urls>",
      "API of one or more nodes: http://HOST:PORT or unix:///PATH, with commas [FLOTILLA_ENDPOINT]",
    )
    .option("--request-timeout <seconds>", "how long a node may take to answer", "10")
    .showHelpAfterError("(flotilla help shows what there is)")
    .exitOverride();
  const context = (command: Command): Context => createContext(command, program, environment);
  addDesiredStates(program, context);
  addInspection(program, context);
  addLists(program, context);
  addKv(program, context);
  addRaft(program, context);
  addApart(program, unitsCommand(environment));
  addApart(program, superviseCommand());
  return program;
}

type ContextOf = (command: Command) => Context;

/** Options of the verbs that wait. */
interface BlockOptions {
  readonly block: boolean;
  readonly blockAttempts: string;
  readonly replace?: boolean;
}

function addDesiredStates(program: Command, context: ContextOf): void {
  const desire = (options: BlockOptions) => ({
    block: options.block,
    replace: options.replace ?? false,
    attempts: attempts(options.blockAttempts),
  });
  const bring = (verb: string, what: string, state: "inactive" | "loaded" | "launched"): void => {
    blocking(program.command(`${verb} <units...>`).description(what))
      .option("--replace", "take the local file although the cluster has another content", false)
      .action((units: string[], options: BlockOptions, command: Command) =>
        bringTo(context(command), units, state, desire(options)),
      );
  };
  const take = (verb: string, what: string, state: "inactive" | "loaded"): void => {
    blocking(program.command(`${verb} <units...>`).description(what)).action(
      (units: string[], options: BlockOptions, command: Command) =>
        takeTo(context(command), units, state, { ...desire(options), verb }),
    );
  };
  bring("submit", "bring unit files into the cluster", "inactive");
  bring("load", "give units a machine, without starting them", "loaded");
  bring("start", "run units somewhere in the cluster", "launched");
  take("stop", "stop units; they stay loaded where they are", "loaded");
  take("unload", "stop units and take them off their machines", "inactive");
  blocking(
    program.command("destroy <units...>").description("remove units from the cluster"),
  ).action((units: string[], options: BlockOptions, command: Command) =>
    destroy(context(command), units, {
      block: options.block,
      attempts: attempts(options.blockAttempts),
    }),
  );
  program
    .command("restart <units...>")
    .description("stop and start units where they are")
    .action((units: string[], _: unknown, command: Command) => restart(context(command), units));
}

function blocking(command: Command): Command {
  return command
    .option("--no-block", "do not wait until it is so")
    .option(
      "--block-attempts <n>",
      "looks, half a second apart, before giving up (0: for about a minute)",
      "0",
    );
}

function addInspection(program: Command, context: ContextOf): void {
  program
    .command("cat <unit>")
    .description("print a unit file, byte for byte")
    .action((unit: string, _: unknown, command: Command) => cat(context(command), unit));
  json(program.command("status <units...>"))
    .description("what a unit does, where, and its last lines")
    .action((units: string[], _: unknown, command: Command) => status(context(command), units));
  program
    .command("journal <unit>")
    .description("what a unit wrote")
    .option("-l, --lines <n>", 'last lines to show, or "all"', "10")
    .option("-f, --follow", "go on with new lines", false)
    .option("-o, --output <format>", "short, short-iso, cat or json", "short")
    .action(
      (
        unit: string,
        options: { lines: string; follow: boolean; output: string },
        command: Command,
      ) => journal(context(command), unit, options),
    );
  json(program.command("explain <unit>"))
    .description("why a unit is where it is, or nowhere")
    .action((unit: string, _: unknown, command: Command) => explain(context(command), unit));
  json(program.command("cluster"))
    .description("who answers, and who leads")
    .action((_: unknown, command: Command) => cluster(context(command)));
}

function addLists(program: Command, context: ContextOf): void {
  const list = (
    verb: string,
    what: string,
    fields: string,
    show: (context: Context, options: { fields: string }) => Promise<void>,
  ): void => {
    json(program.command(verb))
      .description(what)
      .option("--fields <names>", "columns, with commas", fields)
      .option("-l, --full", "IDs and hashes in full", false)
      .option("--no-legend", "no heading")
      .action((options: { fields: string }, command: Command) => show(context(command), options));
  };
  list("list-units", "the state of units on machines", "unit,machine,active,sub", listUnits);
  list(
    "list-unit-files",
    "the unit files of the cluster",
    "unit,hash,dstate,state,target",
    listUnitFiles,
  );
  list("list-machines", "the machines that are alive", "machine,ip,metadata", listMachines);
  list("services", "endpoints registered in discovery", "service,address,instance", listServices);
}

function addKv(program: Command, context: ContextOf): void {
  const kv = program.command("kv").description("the store behind the cluster");
  const prefix = (command: Command): Command =>
    command.option("--prefix", "all keys that begin with KEY", false);
  prefix(json(kv.command("get <key>")))
    .description("print keys and values")
    .option("--print-value-only", "values alone", false)
    .action(
      (key: string, options: { prefix: boolean; printValueOnly: boolean }, command: Command) =>
        kvGet(context(command), key, {
          prefix: options.prefix,
          valueOnly: options.printValueOnly,
        }),
    );
  json(kv.command("put <key> <value>"))
    .description("write a key")
    .action((key: string, value: string, _: unknown, command: Command) =>
      kvPut(context(command), key, value),
    );
  prefix(json(kv.command("del <key>")))
    .description("delete keys, and tell how many")
    .action((key: string, options: { prefix: boolean }, command: Command) =>
      kvDelete(context(command), key, options),
    );
  prefix(json(kv.command("watch <key>")))
    .description("print changes as they come, until stopped")
    .option("--rev <revision>", "begin with this revision")
    .action((key: string, options: { prefix: boolean; rev?: string }, command: Command) =>
      kvWatch(context(command), key, { prefix: options.prefix, revision: options.rev }),
    );
}

/** Tools for a member's folder on this machine; they need no node. */
function addRaft(program: Command, context: ContextOf): void {
  const raft = program.command("raft").description("a store member's log and snapshots, offline");
  const machine = (command: Command): Command => json(command).option("--json", "as -o json");
  machine(raft.command("inspect <dir>"))
    .description("what a data directory holds; changes nothing")
    .option("--entries <from-to>", "entries to show: 120-140, 120- or 120 (the last ten)")
    .action((dir: string, options: { entries?: string }, command: Command) =>
      raftInspect(context(command), dir, { entries: options.entries }),
    );
  machine(raft.command("verify <dir>"))
    .description("read every byte of a data directory; exit code 1 where it is damaged")
    .action((dir: string, _: unknown, command: Command) => raftVerify(context(command), dir));
}

/** Verbs that need no node. Commands that are made apart inherit nothing on their own. */
function addApart(program: Command, apart: Command): void {
  for (const command of [apart, ...apart.commands]) command.copyInheritedSettings(program);
  program.addCommand(apart);
}

function json(command: Command): Command {
  return command.option("-o, --output <format>", 'table, or "json"', "table");
}

function attempts(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new CliError(`--block-attempts: "${text}" is not a number`, { exitCode: 2 });
}

function createContext(command: Command, program: Command, environment: Environment): Context {
  const { endpoint, requestTimeout } = program.opts<GlobalOptions>();
  const timeoutMs = Number(requestTimeout) * 1_000;
  if (!(timeoutMs > 0)) {
    throw new CliError(`--request-timeout: "${requestTimeout}" is no number of seconds`, {
      exitCode: 2,
    });
  }
  const own = command.opts<{
    output?: string;
    json?: boolean;
    legend?: boolean;
    full?: boolean;
  }>();
  if (command.name() !== "journal" && own.output !== undefined) {
    if (own.output !== "table" && own.output !== "json") {
      throw new CliError(`--output: there is no format "${own.output}"`, {
        hint: "there are table and json",
        exitCode: 2,
      });
    }
  }
  const endpoints = parseEndpoints(endpoint ?? environment["FLOTILLA_ENDPOINT"]);
  return {
    api: new ApiClient({ endpoints, timeoutMs }),
    output: {
      json: own.output === "json" || own.json === true,
      legend: own.legend ?? true,
      full: own.full ?? false,
    },
    print: (text) =>
      new Promise((resolve, reject) => {
        process.stdout.write(text, (error) => (error ? reject(error) : resolve()));
      }),
    warn: (line) => {
      process.stderr.write(`${line}\n`);
    },
  };
}
