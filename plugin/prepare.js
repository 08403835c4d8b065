const { execSync } = require("node:child_process");
const { existsSync, readdirSync, statSync } = require("node:fs");
const { dirname, join } = require("node:path");

// Installs and builds the package around this directory. npm runs this for every `pulumi package` command with a path, so
// it skips what is up to date.

const root = dirname(__dirname);
const run = (command) => execSync(command, { cwd: root, stdio: "inherit" });
const time = (file) => (existsSync(join(root, file)) ? statSync(join(root, file)).mtimeMs : 0);

// npm writes this file after each installation.
if (time("node_modules/.package-lock.json") < time("package-lock.json")) run("npm ci");

const sources = readdirSync(join(root, "components"), { recursive: true }).map((name) => join("components", name));
const built = time("dist/index.js");
if (["package-lock.json", "tsconfig.build.json", ...sources].some((file) => time(file) > built)) run("node build.js");
