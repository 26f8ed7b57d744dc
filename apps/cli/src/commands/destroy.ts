import type { Context } from "../context.js";
import { unitArgument } from "../units/unit-source.js";
import { poll, type WaitOptions } from "../units/wait.js";

/** destroy: removes units from the cluster, and waits until no machine has them any more. */
export async function destroy(
  context: Context,
  args: readonly string[],
  options: WaitOptions & { readonly block: boolean },
): Promise<void> {
  const { api, print } = context;
  for (const arg of args) {
    const { name } = unitArgument(arg).name;
    await api.destroy(name);
    if (options.block) {
      await poll(context, `${name} to be gone`, options, async () => {
        const left = (await api.states()).filter((state) => state.name === name);
        const [first] = left;
        return first === undefined
          ? { value: undefined }
          : { waiting: `${left.length} machines still have it (${first.active})` };
      });
    }
    await print(`Destroyed ${name}\n`);
  }
}
