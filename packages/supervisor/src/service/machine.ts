import type { ProcessExit } from "../runtime.js";
import type { ServiceResult } from "../types.js";
import { describeExit } from "./exit-status.js";
import { StartingMachine } from "./machine-start.js";
import { type NotifyMessage, parseNotify } from "./notify.js";
import type { ServiceAction, ServiceEvent } from "./protocol.js";

/**
 * One service's life as systemd has it: states, results and the order of commands
 * (systemd.service(5); the names are those of `systemctl show`). Synchronous and free of I/O: events
 * go in, actions come out, and the same events at the same times always give the same actions.
 */
export class ServiceMachine extends StartingMachine {
  /** Takes one event at `now` (milliseconds) and tells what to do, in order. */
  handle(event: ServiceEvent, now: number): readonly ServiceAction[] {
    this.actions = [];
    this.now = now;
    switch (event.type) {
      case "start":
        this.start();
        break;
      case "stop":
        this.stop();
        break;
      case "reload":
        this.reload();
        break;
      case "reset-failed":
        this.limit.reset();
        this.restarts = 0;
        if (this.sub === "failed") {
          this.result = "success";
          this.setState("dead");
        }
        break;
      case "resume":
        this.resume();
        break;
      case "spawned":
        this.spawned(event.pid);
        break;
      case "spawn-failed":
        this.spawnFailed(event.message);
        break;
      case "executed":
        this.execSucceeded(event.pid);
        break;
      case "exited":
        this.populated = event.populated;
        this.exited(event.pid, event.exit, event.oomKilled);
        break;
      case "empty":
        this.populated = false;
        this.emptied();
        break;
      case "main-found":
        this.mainFound(event.pid);
        break;
      case "notify":
        this.notified(parseNotify(event.message), event.pid);
        break;
      case "timer":
        if (event.timer === "watchdog") this.watchdogExpired();
        else this.timedOut();
        break;
    }
    return this.actions;
  }

  protected exited(pid: number, exit: ProcessExit, oomKilled: boolean): void {
    if (pid === this.mainPid) this.mainExited(exit, oomKilled);
    else if (pid === this.controlPid) this.controlExited(exit, oomKilled);
  }

  protected mainExited(exit: ProcessExit, oomKilled: boolean): void {
    const mode = this.service.type === "oneshot" ? "command" : "daemon";
    const command = this.main?.commands[this.main.index];
    let result = this.judge(exit, mode, oomKilled);
    this.log(`Main process exited, ${describeExit(exit)}`);
    this.mainPid = 0;
    this.exit = exit;
    if (command?.ignoreFailure) result = "success";
    this.fail(result);
    if (this.service.type === "oneshot" && result === "success" && this.nextMain()) return;
    this.main = undefined;
    switch (this.sub) {
      case "start-post":
      case "reload":
        if (this.controlPid === 0) this.enterStop(result);
        else this.changed(false);
        break;
      case "start":
        this.mainExitedInStart(result);
        break;
      case "running":
        this.enterRunning(result);
        break;
      case "stop-watchdog":
      case "stop-sigterm":
      case "stop-sigkill":
        if (this.controlPid === 0) this.enterStopPost(result);
        break;
      case "stop-post":
        if (this.controlPid === 0) this.enterKill("final-sigterm", result);
        break;
      case "final-sigterm":
      case "final-sigkill":
        if (this.controlPid === 0) this.enterDead(result, true);
        break;
      default:
        this.changed(false);
    }
  }

  protected mainExitedInStart(result: ServiceResult): void {
    switch (this.service.type) {
      case "oneshot":
        if (result === "success") this.enterStartPost();
        else this.enterKill("stop-sigterm", result);
        break;
      case "notify":
      case "notify-reload":
        // Gone before READY=1: it never was active and, without a successor to say so, never will be.
        if (result !== "success") this.enterKill("stop-sigterm", result);
        else if (!this.service.remainAfterExit || this.service.notifyAccess === "main") {
          this.enterKill("stop-sigterm", "protocol");
        }
        break;
      default:
        this.enterRunning(result);
    }
  }

  protected controlExited(exit: ProcessExit, oomKilled: boolean): void {
    const queue = this.control;
    const daemon = queue?.section === "ExecStart" && this.service.type !== "oneshot";
    let result = this.judge(exit, daemon ? "daemon" : "command", oomKilled);
    if (queue?.section === "ExecCondition" && exit.type === "exited" && result === "exit-code") {
      if (exit.code < 255) result = "exec-condition";
    }
    if (result !== "success") this.log(`Control process exited, ${describeExit(exit)}`);
    this.controlPid = 0;
    if (queue?.commands[queue.index]?.ignoreFailure) result = "success";
    if (this.sub !== "reload") this.fail(result);
    if (queue && result === "success" && queue.index + 1 < queue.commands.length) {
      queue.index += 1;
      this.spawn("control");
      return;
    }
    this.control = undefined;
    this.controlDone(result);
  }

  protected controlDone(result: ServiceResult): void {
    const ok = result === "success";
    switch (this.sub) {
      case "condition":
        if (ok) this.enterStartPre();
        else this.enterKill("stop-sigterm", result);
        break;
      case "start-pre":
        if (ok) this.enterStart();
        else this.enterKill("stop-sigterm", result);
        break;
      case "start":
        if (!ok) this.enterKill("stop-sigterm", result);
        else this.push({ type: "find-main", pidFile: this.service.pidFile });
        break;
      case "start-post":
        if (ok) this.enterRunning("success");
        else this.enterKill("stop-sigterm", result);
        break;
      case "reload":
        this.reloaded(result);
        break;
      case "stop":
        this.enterKill("stop-sigterm", result);
        break;
      case "stop-watchdog":
      case "stop-sigterm":
      case "stop-sigkill":
        if (this.mainPid === 0) this.enterStopPost(result);
        break;
      case "stop-post":
        if (this.mainPid === 0) this.enterKill("final-sigterm", result);
        break;
      case "final-sigterm":
      case "final-sigkill":
        if (this.mainPid === 0) this.enterDead(result, true);
        break;
      default:
        break;
    }
  }

  protected emptied(): void {
    if (this.mainPid > 0 || this.controlPid > 0 || this.pending) return;
    switch (this.sub) {
      case "running":
        this.enterRunning("success");
        break;
      case "start":
        if (this.service.type.startsWith("notify")) {
          this.enterKill("stop-sigterm", "protocol");
        } else if (this.service.type === "forking" && this.service.pidFile !== undefined) {
          this.log("Daemon never wrote its PID file. Failing.");
          this.enterKill("stop-sigterm", "protocol");
        }
        break;
      case "stop-watchdog":
      case "stop-sigterm":
      case "stop-sigkill":
        this.enterStopPost("success");
        break;
      case "stop-post":
      case "final-sigterm":
      case "final-sigkill":
        this.enterDead("success", true);
        break;
      default:
        break;
    }
  }

  protected mainFound(pid: number): void {
    if (this.sub !== "start" || this.service.type !== "forking") return;
    if (pid > 0) {
      this.mainPid = pid;
      this.mainKnown = true;
      this.push({ type: "watch-main", pid });
    }
    this.enterStartPost();
  }

  protected timedOut(): void {
    switch (this.sub) {
      case "condition":
      case "start-pre":
      case "start":
      case "start-post":
        this.log(`${this.sub} operation timed out. Terminating.`);
        this.enterKill("stop-sigterm", "timeout");
        break;
      case "running":
        this.log("Service reached runtime time limit. Stopping.");
        this.enterStop("timeout");
        break;
      case "reload":
        this.log("Reload operation timed out. Killing reload process.");
        if (this.controlPid > 0) {
          this.push({ type: "kill", pids: [this.controlPid], signals: ["SIGKILL"] });
        }
        this.control = undefined;
        this.controlPid = 0;
        this.reloaded("timeout");
        break;
      case "stop":
        this.log("Stopping timed out. Terminating.");
        this.enterKill("stop-sigterm", "timeout");
        break;
      case "stop-watchdog":
      case "stop-sigterm":
        this.log(`State '${this.sub}' timed out. Killing.`);
        if (this.service.sendSigkill) this.enterKill("stop-sigkill", "timeout");
        else this.enterStopPost("timeout");
        break;
      case "stop-sigkill":
        this.log("Processes still around after SIGKILL. Ignoring.");
        this.enterStopPost("timeout");
        break;
      case "stop-post":
        this.log("State 'stop-post' timed out. Terminating.");
        this.enterKill("final-sigterm", "timeout");
        break;
      case "final-sigterm":
        if (this.service.sendSigkill) this.enterKill("final-sigkill", "timeout");
        else this.enterDead("timeout", false);
        break;
      case "final-sigkill":
        this.log("Processes still around after final SIGKILL. Entering failed mode.");
        this.enterDead("timeout", true);
        break;
      case "auto-restart":
        this.restarts += 1;
        this.forgetRestarts = false;
        this.restartDue = true;
        this.log(`Scheduled restart job, restart counter is at ${this.restarts}.`);
        this.push({ type: "restart" });
        break;
      default:
        break;
    }
  }

  protected watchdogExpired(): void {
    if (!["start-post", "running", "reload"].includes(this.sub)) return;
    this.log(`Watchdog timeout (limit ${this.watchdogMs} ms)!`);
    this.enterKill("stop-watchdog", "watchdog");
  }

  protected notified(message: NotifyMessage, pid: number): void {
    if (this.idle || !this.mayNotify(pid)) return;
    const live = ["start", "start-post", "running", "reload"].includes(this.sub);
    let told = false;
    if (message.mainPid !== undefined && live && message.mainPid !== this.mainPid) {
      this.mainPid = message.mainPid;
      this.mainKnown = true;
      this.push({ type: "watch-main", pid: message.mainPid });
      told = true;
    }
    if (message.status !== undefined && message.status !== this.statusText) {
      this.statusText = message.status;
      told = true;
    }
    if (message.extendTimeoutMs !== undefined) this.extend(message.extendTimeoutMs);
    if (message.watchdogMs !== undefined) this.watchdogMs = message.watchdogMs;
    if (message.watchdog === "ping" || message.watchdogMs !== undefined) {
      if (live && this.sub !== "start") this.watchdog();
    }
    if (told) this.changed(false);
    if (message.watchdog === "trigger") this.watchdogExpired();
    else this.notifiedState(message);
  }

  protected notifiedState(message: NotifyMessage): void {
    const notifies = this.service.type === "notify" || this.service.type === "notify-reload";
    if (message.stopping) {
      if (this.sub !== "running") return;
      this.arm(this.service.timeoutStopMs);
      this.timer("watchdog", undefined);
      this.setState("stop-sigterm");
    } else if (message.ready) {
      if (notifies && this.sub === "start") this.enterStartPost();
      else if (this.sub === "reload" && this.control === undefined) this.reloaded("success");
    } else if (message.reloading && this.sub === "running") {
      this.arm(this.service.timeoutStartMs);
      this.setState("reload");
    }
  }

  /** NotifyAccess=; a sender that cannot be told has at least reached this unit's own socket. */
  protected mayNotify(pid: number): boolean {
    const notifies = this.service.type === "notify" || this.service.type === "notify-reload";
    const access =
      this.service.notifyAccess === "none" && (notifies || this.watchdogMs > 0)
        ? "main"
        : this.service.notifyAccess;
    if (access === "none") return false;
    if (access === "all" || pid === 0) return true;
    return pid === this.mainPid || (access === "exec" && pid === this.controlPid);
  }
}
