import type { ServiceResult, ServiceSubState } from "../types.js";
import { MachineState } from "./machine-state.js";
import { shallRestart } from "./restart.js";

/** States in which the service's processes have been sent a signal and their end is awaited. */
const KILL_STATES = [
  "stop-watchdog",
  "stop-sigterm",
  "stop-sigkill",
  "final-sigterm",
  "final-sigkill",
] as const;

type KillState = (typeof KILL_STATES)[number];

export function isKillState(sub: ServiceSubState): sub is KillState {
  return KILL_STATES.some((state) => state === sub);
}

/** The way down: ExecStop=, the signals, ExecStopPost=, the end and whether it restarts. */
export abstract class StoppingMachine extends MachineState {
  protected stop(): void {
    this.stopAsked = true;
    switch (this.sub) {
      case "auto-restart":
        this.timer("state", undefined);
        this.forgetRestarts = !this.restartDue;
        this.restartDue = false;
        this.setState("dead");
        break;
      case "condition":
      case "start-pre":
      case "start":
      case "start-post":
      case "reload":
        this.enterKill("stop-sigterm", "success");
        break;
      case "running":
      case "exited":
        this.enterStop("success");
        break;
      default:
        break;
    }
  }

  protected enterStop(result: ServiceResult): void {
    this.fail(result);
    this.timer("watchdog", undefined);
    this.runSection("ExecStop", "stop", this.service.timeoutStopMs, () =>
      this.enterKill("stop-sigterm", "success"),
    );
  }

  /** Sends the signal of `state` and waits in it, or goes on at once when there is nobody to signal. */
  protected enterKill(state: KillState, result: ServiceResult): void {
    this.fail(result);
    this.timer("watchdog", undefined);
    this.dropNextCommands();
    if (this.kill(state)) {
      this.arm(this.service.timeoutStopMs);
      this.setState(state);
    } else if (state === "final-sigkill") {
      this.enterDead("success", true);
    } else if (state === "final-sigterm") {
      if (this.service.sendSigkill) this.enterKill("final-sigkill", "success");
      else this.enterDead("success", true);
    } else if (state === "stop-sigkill" || !this.service.sendSigkill) {
      this.enterStopPost("success");
    } else {
      this.enterKill("stop-sigkill", "success");
    }
  }

  /** False when no process is left that this KillMode= may signal. */
  protected kill(state: KillState): boolean {
    const hard = state === "stop-sigkill" || state === "final-sigkill";
    const mode = this.service.killMode;
    if (mode === "none") return false;
    const own = [this.mainPid, this.controlPid].filter((pid) => pid > 0);
    const everyone = mode === "control-group" || (mode === "mixed" && hard);
    if (own.length === 0 && !(everyone && this.populated)) return false;
    this.push({
      type: "kill",
      pids: everyone ? undefined : own,
      signals: this.killSignals(state, hard),
    });
    return true;
  }

  protected killSignals(state: KillState, hard: boolean): readonly string[] {
    if (hard) return [this.service.finalKillSignal];
    const first = state === "stop-watchdog" ? "SIGABRT" : this.service.killSignal;
    const signals = [first];
    if (this.service.sendSighup && first !== "SIGHUP") signals.push("SIGHUP");
    // A stopped process would sit on its SIGTERM until the SIGKILL.
    if (first !== "SIGKILL" && first !== "SIGCONT") signals.push("SIGCONT");
    return signals;
  }

  protected enterStopPost(result: ServiceResult): void {
    this.fail(result);
    this.runSection("ExecStopPost", "stop-post", this.service.timeoutStopMs, () =>
      this.enterKill("final-sigterm", "success"),
    );
  }

  protected enterDead(result: ServiceResult, mayRestart: boolean): void {
    this.fail(result);
    this.timer("state", undefined);
    this.timer("watchdog", undefined);
    this.mainPid = 0;
    this.controlPid = 0;
    this.main = undefined;
    this.control = undefined;
    this.populated = false;
    this.willRestart =
      mayRestart &&
      shallRestart(this.service, {
        result: this.result,
        exit: this.exit,
        stopped: this.stopAsked,
      });
    this.push({ type: "release" });
    const clean = this.result === "success" || this.result === "exec-condition";
    if (this.result === "exec-condition") this.log("Skipped: ExecCondition= was not met.");
    else if (!clean) this.log(`Failed with result '${this.result}'.`);
    this.setState(clean ? "dead" : "failed");
    if (!this.willRestart) {
      this.forgetRestarts = true;
      return;
    }
    this.willRestart = false;
    this.timer("state", this.service.restartMs);
    this.setState("auto-restart");
  }

  /** What runs now is still judged by its own prefixes, but nothing follows it. */
  protected dropNextCommands(): void {
    const { control } = this;
    if (control)
      this.control = { ...control, commands: control.commands.slice(0, control.index + 1) };
  }
}
