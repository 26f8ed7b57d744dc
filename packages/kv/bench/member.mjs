// One member for the comparison, from the built package: `node member.mjs <client url> <directory>`.
import { startMember } from "../dist/index.js";

const [url, directory] = process.argv.slice(2);
const member = await startMember({ storage: { directory }, listenClientUrls: [url] });
await member.ready();
process.stdout.write("ready\n");
process.once("SIGTERM", () => member.stop());
