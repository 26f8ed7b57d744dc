import type { ServiceResult } from "../types.js";
import type { CommandQueue } from "./machine-state.js";
import { isKillState, StoppingMachine } from "./machine-stop.js";
import type { ExecSection } from "./protocol.js";

/** The way up: conditions, ExecStartPre=, the main process by Type=, ExecStartPost=; and reloading. */
export abstract class StartingMachine extends StoppingMachine {
  protected start(): void {
    if (!this.idle) return;
    this.timer("state", undefined);
    // Before the reset: as in systemd, an earlier failure stays the result.
    if (!this.limit.admit(this.now)) {
      this.log("Start request repeated too quickly.");
      this.enterDead("start-limit-hit", false);
      return;
    }
    this.result = "success";
    this.reloadResult = "success";
    this.exit = undefined;
    this.statusText = "";
    this.stopAsked = false;
    this.willRestart = false;
    this.restartDue = false;
    this.mainKnown = false;
    this.populated = false;
    this.spawns = 0;
    this.watchdogMs = this.service.watchdogMs;
    if (this.forgetRestarts) {
      this.restarts = 0;
      this.forgetRestarts = false;
    }
    this.enterCondition();
  }

  protected enterCondition(): void {
    this.runSection("ExecCondition", "condition", this.service.timeoutStartMs, () =>
      this.enterStartPre(),
    );
  }

  protected enterStartPre(): void {
    this.runSection("ExecStartPre", "start-pre", this.service.timeoutStartMs, () =>
      this.enterStart(),
    );
  }

  protected enterStart(): void {
    if (this.service.execStart.length === 0) {
      // Of a oneshot that only stops something, others must see that it was starting.
      this.setState("start");
      this.enterStartPost();
      return;
    }
    const queue: CommandQueue = {
      section: "ExecStart",
      commands: this.service.execStart,
      index: 0,
    };
    const role = this.service.type === "forking" ? "control" : "main";
    if (role === "control") this.control = queue;
    else this.main = queue;
    this.executed = false;
    this.spawn(role, { state: "start", timeoutMs: this.service.timeoutStartMs });
  }

  protected mainSpawned(pid: number, first: boolean): void {
    this.mainPid = pid;
    this.mainKnown = true;
    if (!first) {
      this.changed(false);
    } else if (this.service.type === "simple" || this.service.type === "idle") {
      this.enterStartPost();
    } else {
      this.arm(this.service.timeoutStartMs);
      this.setState("start");
    }
  }

  protected execSucceeded(pid: number): void {
    if (this.service.type !== "exec" || pid !== this.mainPid || this.executed) return;
    this.executed = true;
    if (this.sub === "start") this.enterStartPost();
  }

  protected enterStartPost(): void {
    this.watchdog();
    this.runSection("ExecStartPost", "start-post", this.service.timeoutStartMs, () =>
      this.enterRunning("success"),
    );
  }

  protected enterRunning(result: ServiceResult): void {
    if (result !== "success") {
      this.enterKill("stop-sigterm", result);
    } else if (this.good()) {
      this.arm(this.service.runtimeMaxMs);
      this.setState("running");
    } else if (this.service.remainAfterExit) {
      this.timer("state", undefined);
      this.setState("exited");
    } else {
      this.enterStop("success");
    }
  }

  /** Something is left for which the service counts as running. */
  protected good(): boolean {
    if (this.mainPid > 0) return true;
    return !this.mainKnown && this.service.type === "forking" && this.populated;
  }

  protected reload(): void {
    if (this.sub !== "running" && this.sub !== "exited") return;
    this.reloadResult = "success";
    if (this.service.type === "notify-reload" && this.mainPid > 0) {
      this.push({ type: "kill", pids: [this.mainPid], signals: ["SIGHUP"] });
      this.arm(this.service.timeoutStartMs);
      this.setState("reload");
      return;
    }
    this.runSection("ExecReload", "reload", this.service.timeoutStartMs, () =>
      this.reloaded("success"),
    );
  }

  protected reloaded(result: ServiceResult): void {
    this.reloadResult = result;
    this.enterRunning("success");
  }

  /** A oneshot service runs its ExecStart= lines in turn; false after the last. */
  protected nextMain(): boolean {
    const queue = this.main;
    if (!queue || this.sub !== "start" || queue.index + 1 >= queue.commands.length) return false;
    queue.index += 1;
    this.spawn("main");
    return true;
  }

  protected notRunnable(section: ExecSection): void {
    switch (section) {
      case "ExecCondition":
      case "ExecStartPre":
        this.enterDead("resources", true);
        break;
      case "ExecStartPost":
        this.enterStop("resources");
        break;
      case "ExecReload":
        this.reloaded("resources");
        break;
      case "ExecStart":
      case "ExecStop":
        this.enterKill("stop-sigterm", "resources");
        break;
      case "ExecStopPost":
        this.enterKill("final-sigterm", "resources");
        break;
    }
  }

  /** Takes up again what another machine, whose image this one has, was about to do. */
  protected resume(): void {
    const left = (at: number | undefined): number | undefined =>
      at === undefined ? undefined : Math.max(0, at - this.now);
    this.timer("state", left(this.deadline));
    this.timer("watchdog", left(this.watchdogAt));
    if (this.pending) this.askForPending();
    // It may have been killed between deciding to signal and signalling.
    else if (isKillState(this.sub)) this.kill(this.sub);
    const parentGone = this.service.type === "forking" && !this.control && !this.mainKnown;
    if (this.sub === "start" && parentGone && !this.pending) {
      this.push({ type: "find-main", pidFile: this.service.pidFile });
    }
    if (this.mainPid > 0) this.push({ type: "watch-main", pid: this.mainPid });
    if (this.sub === "auto-restart" && this.restartDue) this.push({ type: "restart" });
    if (this.idle) this.push({ type: "release" });
  }
}
