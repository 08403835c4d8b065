import { defineConfig } from "vitest/config";

// The tests make files for others than root, and compare modes: under the umask of a hardened host, too.
process.umask(0o022);

export default defineConfig({
    test: {
        // Where nobody watches a terminal, a line for each test as it ends.
        reporters: process.stdout.isTTY ? ["default"] : ["verbose"],
        projects: [
            // A process for each file would double their time, and none of them leaves anything that another would notice.
            // How long one may take is for a machine that does much else; it ends what hangs, and is no claim.
            { test: { name: "unit", include: ["test/unit/**/*.test.ts"], isolate: false, testTimeout: 60_000 } },
            // The steps' shell, each test in a private view of the file system with stubs for what a machine has.
            {
                test: {
                    name: "scripts",
                    include: ["test/scripts/**/*.test.ts"],
                    globalSetup: "./test/host/prerequisites.ts",
                    testTimeout: 60_000,
                },
            },
            // Real programs on loopback.
            {
                test: {
                    name: "host",
                    include: ["test/host/**/*.test.ts"],
                    globalSetup: "./test/host/prerequisites.ts",
                    testTimeout: 180_000,
                    hookTimeout: 180_000,
                    expect: { poll: { timeout: 120_000 } },
                    fileParallelism: false,
                },
            },
            // A lab for each file, whose tests build upon each other. Two at a time, since a lab mostly waits; after all
            // others, which would wait for it.
            {
                test: {
                    name: "lab",
                    include: ["test/lab/**/*.test.ts"],
                    globalSetup: "./test/lab/prerequisites.ts",
                    // Long enough for one that makes an image of another system on the way.
                    testTimeout: 1_800_000,
                    hookTimeout: 1_800_000,
                    maxWorkers: 2,
                    sequence: { groupOrder: 1 },
                },
            },
        ],
    },
});
