import { loadCommand } from "../../lab/command.js";

// Runs commands of the lab one after the other, as lab/start.js runs one: loading the Pulumi SDK takes more of a processor
// than most commands. The commands print into the answers.

process.umask(0o077);
const loaded = loadCommand();

process.on("message", async (args) => {
    const output = { stdout: "", stderr: "" };
    for (const name of /** @type {const} */ (["stdout", "stderr"])) {
        process[name].write = (text) => {
            output[name] += text;
            return true;
        };
    }
    const { main } = await loaded;
    // The SDK asks for the stack of each promise. With the lines of the sources, that is a sixth of a preview's time.
    process.setSourceMapsEnabled(false);
    process.exitCode = 0;
    await main(args);
    process.send({ exitCode: process.exitCode, ...output });
});
// Ends with the test file.
process.on("disconnect", () => process.exit());
