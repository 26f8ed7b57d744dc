import type { Refusal, Resources } from "../types.js";
import type { Filter } from "./filter.js";

/** What the unit asks for of one resource is left on the machine. */
function resource(option: Refusal["option"], name: keyof Resources, format: Format): Filter {
  return {
    option,
    passes: ({ requests }, { used, capacity }) =>
      requests[name] === 0 || used[name] + requests[name] <= capacity[name],
    explain: ({ requests }, { used, capacity }) => {
      const free = format(Math.max(0, capacity[name] - used[name]));
      return `needs ${format(requests[name])}, ${free} of ${format(capacity[name])} free`;
    },
    summarize: ({ requests }) => `less than ${format(requests[name])} free`,
  };
}

type Format = (amount: number) => string;

const cpus: Format = (amount) => `${amount / 1_000} CPU`;
const tasks: Format = (amount) => `${amount} tasks`;

function bytes(amount: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, amount)) / 10));
  return `${Number((amount / 1024 ** power).toFixed(1))} ${units[power]}`;
}

/** CPU=, Memory= and tasks, as requested, against what the machine announces. */
export const RESOURCE_FILTERS: readonly Filter[] = [
  resource("CPU", "cpu", cpus),
  resource("Memory", "memory", bytes),
  resource("Tasks", "tasks", tasks),
];
