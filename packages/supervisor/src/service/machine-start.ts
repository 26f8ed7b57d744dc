import type { ServiceResult } from "../types.js";
import type { CommandQueue } from "./machine-state.js";
import { StoppingMachine } from "./machine-stop.js";

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
    this.watchdogMs = this.service.watchdogMs;
    if (this.forgetRestarts) {
      this.restarts = 0;
      this.forgetRestarts = false;
    }
    this.enterCondition();
  }

  protected enterCondition(): void {
    this.runSection("ExecCondition", "condition", this.service.timeoutStartMs, {
      none: () => this.enterStartPre(),
      failed: () => this.enterDead("resources", true),
    });
  }

  protected enterStartPre(): void {
    this.runSection("ExecStartPre", "start-pre", this.service.timeoutStartMs, {
      none: () => this.enterStart(),
      failed: () => this.enterDead("resources", true),
    });
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
    if (this.service.type === "forking") {
      this.control = queue;
      this.spawnControl("start", this.service.timeoutStartMs, () =>
        this.enterKill("stop-sigterm", "resources"),
      );
    } else {
      this.main = queue;
      this.spawnMain();
    }
  }

  protected spawnMain(): void {
    const immediate = this.service.type === "simple" || this.service.type === "idle";
    this.executed = false;
    this.spawn("main", {
      spawned: (pid) => {
        this.mainPid = pid;
        this.mainKnown = true;
        if (immediate) {
          this.enterStartPost();
        } else {
          this.arm(this.service.timeoutStartMs);
          this.setState("start");
        }
      },
      failed: () => this.enterKill("stop-sigterm", "resources"),
    });
  }

  protected execSucceeded(pid: number): void {
    if (this.service.type !== "exec" || pid !== this.mainPid || this.executed) return;
    this.executed = true;
    if (this.sub === "start") this.enterStartPost();
  }

  protected enterStartPost(): void {
    this.watchdog();
    this.runSection("ExecStartPost", "start-post", this.service.timeoutStartMs, {
      none: () => this.enterRunning("success"),
      failed: () => this.enterStop("resources"),
    });
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
    this.runSection("ExecReload", "reload", this.service.timeoutStartMs, {
      none: () => this.reloaded("success"),
      failed: () => this.reloaded("resources"),
    });
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
    this.spawn("main", {
      spawned: (pid) => {
        this.mainPid = pid;
        this.changed(false);
      },
      failed: () => this.enterKill("stop-sigterm", "resources"),
    });
    return true;
  }
}
