import { loadCommand } from "../../lab/command.js";

// Runs commands of the lab one after the other, as lab/start.js runs one: loading the Pulumi SDK takes more of a processor
// than most commands. The commands print into the answers.

process.umask(0o077);
const loaded = loadCommand();
let answer;

process.on("message", async (args) => {
    answer = { stdout: "", stderr: "" };
    for (const name of /** @type {const} */ (["stdout", "stderr"])) {
        process[name].write = (text) => {
            answer[name] += text;
            return true;
        };
    }
    const { main } = await loaded;
    // The SDK asks for the stack of each promise. Whole ones, with the lines of the sources, are a fifth of a preview's time.
    process.setSourceMapsEnabled(false);
    Error.stackTraceLimit = 1;
    process.exitCode = 0;
    await main(args);
    process.channel.unref();
});
// A program that fails may leave requests to its engine behind. The SDK listens for errors in the whole process and would
// put theirs down to the next program. So a command has ended when a process of its own would end: nothing is left to do.
process.on("beforeExit", () => {
    process.channel.ref();
    process.send({ exitCode: process.exitCode, ...answer });
});
// Ends with the test file.
process.on("disconnect", () => process.exit());
