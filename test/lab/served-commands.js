import { loadCommand } from "../../lab/command.js";

// Runs commands of the lab one after the other, as lab/start.js runs one: loading the Pulumi SDK takes more of a processor
// than most commands. The commands print into the answers.

const loaded = loadCommand();
let answer;
let done;

process.on("message", async (args) => {
    // The lab opens its own for what others have to read.
    process.umask(0o077);
    done = false;
    answer = { stdout: "", stderr: "" };
    for (const name of /** @type {const} */ (["stdout", "stderr"])) {
        process[name].write = (text) => {
            answer[name] += text;
            return true;
        };
    }
    const { main } = await loaded;
    // The SDK asks for the stack of each promise. The lines of the sources are a sixth of a preview's time, and all but one line
    // of a stack a twelfth.
    process.setSourceMapsEnabled(false);
    Error.stackTraceLimit = 1;
    process.exitCode = 0;
    process.channel.unref();
    await main(args);
    done = true;
});
// A program that fails may leave requests to its engine behind. The SDK listens for errors in the whole process and would
// put theirs down to the next program. So a command has ended when a process of its own would end: nothing is left to do.
process.on("beforeExit", () => {
    process.channel.ref();
    // As Node ends a process whose main module awaits what never comes.
    process.send({ exitCode: done ? process.exitCode : 13, ...answer });
});
// Ends with the test file.
process.on("disconnect", () => process.exit());
