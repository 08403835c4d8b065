import { installed } from "../installed.js";

const { main } = await installed(async () => (await import("./command.js")).loadCommand());
await main(process.argv.slice(2));
