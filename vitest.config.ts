import { totalmem } from "node:os";
import { basename } from "node:path";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

// The tests make files for others than root, and compare modes: under the umask of a hardened host, too.
process.umask(0o022);

/**
 * How long a test or its preparation may take, in milliseconds. It ends what hangs, and is no claim: on a machine that does
 * much else, testssl takes five minutes instead of one.
 */
const PATIENCE = { testTimeout: 900_000, hookTimeout: 900_000 };

/** What a lab and its test file take at most. Measured: 0.95 GB. */
const LAB_BYTES = 1.2e9;

// Four files keep two cores busy, of which labs are most. More would wait, and take the slots of other labs on this machine.
const WORKERS = Math.max(1, Math.min(4, Math.floor(totalmem() / LAB_BYTES)));

/** The lab's files by how long they take, the longest first, so that all workers end at about the same time. */
const LONGEST_FIRST = [
    "replacements",
    "operation",
    "interruptions",
    "failures",
    "recreate",
    "modes",
    "plain-pulumi",
    "existing-network",
    "example",
    "providers",
    "upgrade",
    "tier",
    "tier-growth",
    "tier-and-back",
    "tier-node",
    "tier-storage",
    "tier-balancer",
];

/** The lab tests of several machines, and of what only they need. They are a run of their own: `npm run test:tier`. */
const TIER = "test/lab/**/tier*.test.ts";

// A lab for each file, whose tests build on each other.
const LAB = {
    globalSetup: "./test/lab/prerequisites.ts",
    runner: "./test/lab/runner.ts",
    // Long enough for one that makes an image of another system on the way.
    testTimeout: 1_800_000,
    hookTimeout: 1_800_000,
};

class LongestFirst extends BaseSequencer {
    override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
        const rank = ({ moduleId }: TestSpecification) => {
            const place = LONGEST_FIRST.indexOf(basename(moduleId, ".test.ts"));
            return place === -1 ? LONGEST_FIRST.length : place;
        };
        return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
    }
}

export default defineConfig({
    test: {
        // Where nobody watches a terminal, a line for each test as it ends.
        reporters: process.stdout.isTTY ? ["default"] : ["verbose"],
        maxWorkers: WORKERS,
        sequence: { sequencer: LongestFirst },
        projects: [
            // A process for each file would double their time, and none of them leaves anything that another would notice.
            {
                test: {
                    name: "unit",
                    include: ["test/unit/**/*.test.ts"],
                    isolate: false,
                    ...PATIENCE,
                },
            },
            // The steps' shell, each test in a private view of the file system with stubs for what a machine has.
            {
                test: {
                    name: "scripts",
                    include: ["test/scripts/**/*.test.ts"],
                    globalSetup: "./test/host/prerequisites.ts",
                    ...PATIENCE,
                },
            },
            // Real programs on loopback.
            {
                test: {
                    name: "host",
                    include: ["test/host/**/*.test.ts"],
                    globalSetup: "./test/host/prerequisites.ts",
                    ...PATIENCE,
                    expect: { poll: { timeout: 300_000 } },
                },
            },
            { test: { name: "lab", include: ["test/lab/**/*.test.ts"], exclude: [TIER], ...LAB } },
            { test: { name: "tier", include: [TIER], ...LAB } },
        ],
    },
});
